#include "index/segment_file.h"

#include <cstring>

#include "absl/status/status.h"
#include "common/status_macros.h"
#include "index/byte_order.h"

namespace semblance {
namespace {

constexpr absl::string_view kMagic = "SMBLSEG1";
constexpr uint32_t kFormatVersion = 1;
enum SectionKind : uint32_t { kKeys = 1, kIndex = 2 };
constexpr size_t kSectionCount = 2;
constexpr size_t kSectionEntryBytes = 4 + 4 + 8;
// Magic, version, dimension, rows, sections; the checksum of all that follows.
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8 + kSectionCount * kSectionEntryBytes;

absl::string_view BytesOf(absl::Span<const uint64_t> keys) {
  return {reinterpret_cast<const char*>(keys.data()), keys.size() * sizeof(uint64_t)};
}

void AppendSectionEntry(SectionKind kind, absl::string_view section, std::string* file) {
  AppendValue<uint32_t>(kind, file);
  AppendValue<uint32_t>(Crc32(section), file);
  AppendValue<uint64_t>(section.size(), file);
}

// Takes the section that `entry`, of the table, describes off the front of `rest`.
absl::StatusOr<absl::string_view> TakeSection(SectionKind kind, absl::string_view* entry, absl::string_view* rest) {
  const uint32_t stored_kind = TakeValue<uint32_t>(entry);
  const uint32_t checksum = TakeValue<uint32_t>(entry);
  const uint64_t size = TakeValue<uint64_t>(entry);
  if (stored_kind != kind || size > rest->size()) {
    return absl::DataLossError("segment file: a section is cut off");
  }
  const absl::string_view section = rest->substr(0, size);
  if (Crc32(section) != checksum) {
    return absl::DataLossError("segment file: a section does not match its checksum");
  }
  rest->remove_prefix(size);
  return section;
}

bool Ascending(absl::Span<const uint64_t> keys) {
  for (size_t i = 1; i < keys.size(); ++i) {
    if (keys[i] <= keys[i - 1]) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string EncodeSegmentFile(int dimension, absl::Span<const uint64_t> keys, absl::string_view index) {
  std::string file(kMagic);
  file.reserve(kHeaderBytes + sizeof(uint32_t) + BytesOf(keys).size() + index.size());
  AppendValue<uint32_t>(kFormatVersion, &file);
  AppendValue<uint32_t>(dimension, &file);
  AppendValue<uint64_t>(keys.size(), &file);
  AppendSectionEntry(kKeys, BytesOf(keys), &file);
  AppendSectionEntry(kIndex, index, &file);
  AppendValue<uint32_t>(Crc32(file), &file);
  file.append(BytesOf(keys).data(), BytesOf(keys).size());
  file.append(index.data(), index.size());
  return file;
}

absl::StatusOr<SegmentFile> DecodeSegmentFile(absl::string_view file) {
  if (file.size() < kHeaderBytes + sizeof(uint32_t)) {
    return absl::DataLossError("segment file: shorter than its header");
  }
  absl::string_view header = file.substr(0, kHeaderBytes);
  absl::string_view rest = file.substr(kHeaderBytes);
  if (TakeValue<uint32_t>(&rest) != Crc32(header)) {
    return absl::DataLossError("segment file: the header does not match its checksum");
  }
  const absl::string_view magic = header.substr(0, kMagic.size());
  header.remove_prefix(kMagic.size());
  if (magic != kMagic || TakeValue<uint32_t>(&header) != kFormatVersion) {
    return absl::DataLossError("segment file: not a segment file of this format version");
  }
  SegmentFile decoded;
  decoded.dimension = static_cast<int>(TakeValue<uint32_t>(&header));
  const uint64_t rows = TakeValue<uint64_t>(&header);
  SEMBLANCE_ASSIGN_OR_RETURN(const absl::string_view keys, TakeSection(kKeys, &header, &rest));
  SEMBLANCE_ASSIGN_OR_RETURN(decoded.index, TakeSection(kIndex, &header, &rest));
  if (!rest.empty() || rows == 0 || keys.size() / sizeof(uint64_t) != rows || keys.size() % sizeof(uint64_t) != 0) {
    return absl::DataLossError("segment file: the sizes of its parts contradict each other");
  }
  decoded.keys.resize(rows);
  std::memcpy(decoded.keys.data(), keys.data(), keys.size());
  if (!Ascending(decoded.keys)) {
    return absl::DataLossError("segment file: the keys are not ascending");
  }
  return decoded;
}

}  // namespace semblance
