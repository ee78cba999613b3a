#include "common/digest.h"

#include <openssl/evp.h>

#include <cerrno>
#include <fstream>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace semblance {

struct Sha256Stream::Rep {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Rep() { EVP_MD_CTX_free(context); }
};

Sha256Stream::Sha256Stream() : rep_(std::make_unique<Rep>()) {
  EVP_DigestInit_ex(rep_->context, EVP_sha256(), nullptr);
}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Update(absl::string_view data) {
  EVP_DigestUpdate(rep_->context, data.data(), data.size());
}

std::string Sha256Stream::FinishHex() {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_DigestFinal_ex(rep_->context, reinterpret_cast<unsigned char*>(digest.data()), &size);
  digest.resize(size);
  return absl::BytesToHexString(digest);
}

std::string Sha256Hex(absl::string_view data) {
  Sha256Stream stream;
  stream.Update(data);
  return stream.FinishHex();
}

absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return ErrnoError(errno, absl::StrCat("cannot open ", path));
  }
  Sha256Stream stream;
  std::vector<char> block(1 << 20);
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    stream.Update(absl::string_view(block.data(), static_cast<size_t>(file.gcount())));
  }
  if (file.bad()) {
    return ErrnoError(errno, absl::StrCat("cannot read ", path));
  }
  return stream.FinishHex();
}

}  // namespace semblance
