// SHA-256 (FIPS 180-4), by OpenSSL.
//
// Thread-safe: functions without state; Sha256Stream is not thread-safe.
#ifndef SEMBLANCE_COMMON_DIGEST_H_
#define SEMBLANCE_COMMON_DIGEST_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance {

// 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view data);

// The same over the content of a file, read in blocks. Errors: as of ReadFile.
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

// The same over data that comes in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Update(absl::string_view data);

  // 64 lower-case hex digits over everything so far. REQUIRES: called once, last.
  std::string FinishHex();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_DIGEST_H_
