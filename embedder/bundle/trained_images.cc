#include "embedder/bundle/trained_images.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance::embedder {
namespace {

constexpr size_t kKeyBytes = 8;

uint64_t KeyAt(const std::string& content, size_t position) {
  uint64_t key = 0;
  for (size_t i = 0; i < kKeyBytes; ++i) {
    key = key << 8 | static_cast<unsigned char>(content[position + i]);
  }
  return key;
}

}  // namespace

uint64_t ImageKeyOf(absl::string_view sha256_hex) {
  uint64_t key = 0;
  return absl::SimpleHexAtoi(sha256_hex.substr(0, 2 * kKeyBytes), &key) ? key : 0;
}

std::string TrainedImagesContent(std::vector<uint64_t> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::string content;
  content.reserve(keys.size() * kKeyBytes);
  for (const uint64_t key : keys) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      content.push_back(static_cast<char>(key >> shift & 0xff));
    }
  }
  return content;
}

absl::StatusOr<std::vector<uint64_t>> ReadTrainedImages(const std::string& bundle_dir) {
  const std::string path = absl::StrCat(bundle_dir, "/", kTrainedImagesFile);
  const absl::StatusOr<std::string> content = ReadFile(path);
  if (absl::IsNotFound(content.status())) {
    return std::vector<uint64_t>();
  }
  SEMBLANCE_RETURN_IF_ERROR(content.status());
  std::vector<uint64_t> keys;
  keys.reserve(content->size() / kKeyBytes);
  for (size_t i = 0; i + kKeyBytes <= content->size(); i += kKeyBytes) {
    keys.push_back(KeyAt(*content, i));
  }
  if (content->size() % kKeyBytes != 0 || !std::is_sorted(keys.begin(), keys.end())) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_MANIFEST_INVALID,
                 absl::StrCat(path, ": ", content->size(), " bytes that are no ascending keys of 8 bytes each"));
  }
  return keys;
}

}  // namespace semblance::embedder
