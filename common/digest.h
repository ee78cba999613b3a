// SHA-256 (FIPS 180-4), computed by OpenSSL.
//
// Thread-safe, because the functions have no state. Sha256Stream is not thread-safe.
#ifndef SEMBLANCE_COMMON_DIGEST_H_
#define SEMBLANCE_COMMON_DIGEST_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance {

// Returns the digest as 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view data);

// Does the same for a file, which is read in blocks. Errors: the same as ReadFile.
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

// Does the same for data that comes in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Update(absl::string_view data);

  // Returns the digest of everything so far. REQUIRES: called once, as the last method.
  std::string FinishHex();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_DIGEST_H_
