#include "index/files/index_manifest.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/files/byte_order.h"

namespace semblance::index {
namespace {

using nlohmann::json;

constexpr int kFormatVersion = 1;

// The checksum covers the compact form of the JSON. White space is not protected, because it has no meaning.
uint32_t ChecksumOf(const json& index) {
  return Crc32(index.dump());
}

absl::StatusOr<IndexManifest> FromJson(const json& root) {
  const json& index = root.at("index");
  if (root.at("crc32") != json(ChecksumOf(index))) {
    return absl::DataLossError("index manifest: the content does not match its checksum");
  }
  const int version = index.at("format_version").get<int>();
  if (version > kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("index manifest: format version ", version, "; this program knows ", kFormatVersion, " and older"));
  }
  IndexManifest manifest;
  manifest.dimension = index.at("dimension").get<int>();
  manifest.next_file = index.at("next_file").get<uint64_t>();
  manifest.segments = index.at("segments").get<std::vector<uint64_t>>();
  manifest.logs = index.at("logs").get<std::vector<uint64_t>>();
  return manifest;
}

}  // namespace

std::string EncodeIndexManifest(const IndexManifest& manifest) {
  const json index = {{"format_version", kFormatVersion},
                      {"dimension", manifest.dimension},
                      {"next_file", manifest.next_file},
                      {"segments", manifest.segments},
                      {"logs", manifest.logs}};
  const json root = {{"crc32", ChecksumOf(index)}, {"index", index}};
  return root.dump(/*indent=*/1) + "\n";
}

absl::StatusOr<IndexManifest> DecodeIndexManifest(absl::string_view bytes) {
  try {
    return FromJson(json::parse(bytes.begin(), bytes.end()));
  } catch (const json::exception& error) {
    return absl::DataLossError(absl::StrCat("index manifest: ", error.what()));
  }
}

}  // namespace semblance::index
