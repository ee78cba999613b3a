#include "index/files/segment_file.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "index/files/byte_order.h"

namespace semblance::index {
namespace {

constexpr absl::string_view kMagic = "SMBLSEG2";
constexpr size_t kAlignment = 64;
constexpr char kPadding[kAlignment] = {};
// A table entry holds kind, checksum and size.
constexpr size_t kEntryBytes = 4 + 4 + 8;
constexpr uint32_t kMaxSections = 64;
// The header holds magic and number of sections, then the table, then the checksum of all that. These bytes come before the table.
constexpr size_t kFixedBytes = 8 + 4;

size_t HeaderBytes(size_t sections) {
  return kFixedBytes + sections * kEntryBytes + sizeof(uint32_t);
}

// Returns the number of bytes to the next place where a section may begin.
size_t PaddingAfter(size_t bytes) {
  return (kAlignment - bytes % kAlignment) % kAlignment;
}

bool IsPadding(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("segment file: ", what));
}

// Takes `count` bytes off the front, and the padding behind them.
absl::StatusOr<absl::string_view> TakePadded(uint64_t count, absl::string_view* rest) {
  if (count > rest->size() || PaddingAfter(count) > rest->size() - count) {
    return Damaged("it is cut off");
  }
  const absl::string_view taken = rest->substr(0, count);
  if (!IsPadding(rest->substr(count, PaddingAfter(count)))) {
    return Damaged("there is something between two sections");
  }
  rest->remove_prefix(count + PaddingAfter(count));
  return taken;
}

}  // namespace

absl::Status WriteSegmentFile(const std::string& path, absl::Span<const FileSection> sections) {
  std::string header(kMagic);
  AppendValue<uint32_t>(static_cast<uint32_t>(sections.size()), &header);
  for (const FileSection& section : sections) {
    AppendValue<uint32_t>(static_cast<uint32_t>(section.kind), &header);
    AppendValue<uint32_t>(Crc32(section.bytes), &header);
    AppendValue<uint64_t>(section.bytes.size(), &header);
  }
  AppendValue<uint32_t>(Crc32(header), &header);
  header.append(PaddingAfter(header.size()), '\0');
  std::vector<absl::string_view> parts = {header};
  for (const FileSection& section : sections) {
    parts.push_back(section.bytes);
    parts.emplace_back(kPadding, PaddingAfter(section.bytes.size()));
  }
  return WriteFileAtomically(path, parts);
}

absl::StatusOr<SegmentSections> SegmentSections::Decode(absl::string_view file) {
  absl::string_view rest = file;
  if (file.size() < kFixedBytes || file.substr(0, kMagic.size()) != kMagic) {
    return Damaged("it does not begin as a segment file of this format version");
  }
  absl::string_view count_bytes = file.substr(kMagic.size());
  const uint32_t count = TakeValue<uint32_t>(&count_bytes);
  if (count > kMaxSections || HeaderBytes(count) > file.size()) {
    return Damaged("it is shorter than its header");
  }
  SEMBLANCE_ASSIGN_OR_RETURN(absl::string_view header, TakePadded(HeaderBytes(count), &rest));
  absl::string_view checksum = header.substr(header.size() - sizeof(uint32_t));
  header.remove_suffix(sizeof(uint32_t));
  if (TakeValue<uint32_t>(&checksum) != Crc32(header)) {
    return Damaged("the header does not match its checksum");
  }
  header.remove_prefix(kFixedBytes);
  SegmentSections decoded;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t kind = TakeValue<uint32_t>(&header);
    const uint32_t section_checksum = TakeValue<uint32_t>(&header);
    SEMBLANCE_ASSIGN_OR_RETURN(const absl::string_view section, TakePadded(TakeValue<uint64_t>(&header), &rest));
    if (Crc32(section) != section_checksum) {
      return Damaged(absl::StrCat("section ", kind, " does not match its checksum"));
    }
    decoded.sections_.push_back({static_cast<SectionKind>(kind), section});
  }
  if (!rest.empty()) {
    return Damaged("there is something behind its last section");
  }
  return decoded;
}

absl::StatusOr<absl::string_view> SegmentSections::Find(SectionKind kind) const {
  const auto found = std::find_if(sections_.begin(), sections_.end(), [kind](const FileSection& one) { return one.kind == kind; });
  if (found == sections_.end()) {
    return Damaged(absl::StrCat("section ", static_cast<uint32_t>(kind), " is missing"));
  }
  return found->bytes;
}

absl::Status SegmentSections::WrongSize(SectionKind kind, size_t size, size_t expected) {
  return Damaged(absl::StrCat("section ", static_cast<uint32_t>(kind), " has ", size, " bytes instead of ", expected));
}

}  // namespace semblance::index
