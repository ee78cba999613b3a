#include "embedder/bundle/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace semblance::embedder {
namespace {

// Sizes and offsets come from PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
constexpr absl::string_view kLocalHeader = "PK\x03\x04";
constexpr absl::string_view kDirectoryEntry = "PK\x01\x02";
constexpr absl::string_view kEndOfDirectory = "PK\x05\x06";
constexpr size_t kLocalHeaderSize = 30;
constexpr size_t kDirectoryEntrySize = 46;
constexpr size_t kEndOfDirectorySize = 22;
constexpr size_t kMaxCommentSize = 65535;

absl::Status Broken(absl::string_view message) {
  return absl::DataLossError(absl::StrCat("the zip archive is damaged: ", message));
}

// Reads a little-endian number. REQUIRES: offset + size <= bytes.size().
uint64_t Number(absl::string_view bytes, size_t offset, size_t size) {
  uint64_t number = 0;
  for (size_t i = 0; i < size; ++i) {
    number |= uint64_t{static_cast<uint8_t>(bytes[offset + i])} << (8 * i);
  }
  return number;
}

// Returns `size` bytes from `offset`, or fewer at the end.
absl::string_view Slice(absl::string_view bytes, uint64_t offset, uint64_t size) {
  return offset > bytes.size() ? "" : bytes.substr(offset, size);
}

bool IsRecord(absl::string_view bytes, absl::string_view signature, size_t size) {
  return bytes.size() >= size && bytes.substr(0, signature.size()) == signature;
}

// One entry of the directory.
struct Entry {
  std::string name;
  uint64_t method = 0;
  uint64_t crc = 0;
  uint64_t stored_size = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
  // Bytes of the entry in the directory.
  uint64_t entry_size = 0;
};

absl::StatusOr<Entry> ReadEntry(absl::string_view bytes) {
  if (!IsRecord(bytes, kDirectoryEntry, kDirectoryEntrySize)) {
    return Broken("its directory is cut short");
  }
  Entry entry;
  entry.method = Number(bytes, 10, 2);
  entry.crc = Number(bytes, 16, 4);
  entry.stored_size = Number(bytes, 20, 4);
  entry.size = Number(bytes, 24, 4);
  const uint64_t name_size = Number(bytes, 28, 2);
  entry.entry_size = kDirectoryEntrySize + name_size + Number(bytes, 30, 2) + Number(bytes, 32, 2);
  entry.offset = Number(bytes, 42, 4);
  entry.name = std::string(Slice(bytes, kDirectoryEntrySize, name_size));
  return entry;
}

absl::StatusOr<absl::string_view> ReadRecord(absl::string_view bytes, const Entry& entry) {
  const absl::string_view header = Slice(bytes, entry.offset, kLocalHeaderSize);
  if (!IsRecord(header, kLocalHeader, kLocalHeaderSize)) {
    return Broken(absl::StrCat("there is no record ", entry.name, " at byte ", entry.offset));
  }
  if (entry.method != 0 || entry.stored_size != entry.size) {
    return Broken(absl::StrCat("record ", entry.name, " is compressed, which torch.save does not do"));
  }
  const uint64_t begin = entry.offset + kLocalHeaderSize + Number(header, 26, 2) + Number(header, 28, 2);
  const absl::string_view data = Slice(bytes, begin, entry.size);
  if (data.size() != entry.size) {
    return Broken(absl::StrCat("record ", entry.name, " has ", data.size(), " bytes of ", entry.size));
  }
  if (crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()) != entry.crc) {
    return Broken(absl::StrCat("the checksum of record ", entry.name, " does not match"));
  }
  return data;
}

}  // namespace

absl::StatusOr<std::map<std::string, absl::string_view>> ReadStoredZip(absl::string_view bytes) {
  const size_t tail_begin = bytes.size() - std::min(bytes.size(), kEndOfDirectorySize + kMaxCommentSize);
  const size_t end = bytes.rfind(kEndOfDirectory);
  if (end == absl::string_view::npos || end < tail_begin || bytes.size() - end < kEndOfDirectorySize) {
    return Broken("it has no end");
  }
  const uint64_t count = Number(bytes, end + 10, 2);
  uint64_t position = Number(bytes, end + 16, 4);
  std::map<std::string, absl::string_view> records;
  for (uint64_t i = 0; i < count; ++i) {
    SEMBLANCE_ASSIGN_OR_RETURN(Entry entry, ReadEntry(Slice(bytes.substr(0, end), position, bytes.size())));
    SEMBLANCE_ASSIGN_OR_RETURN(const absl::string_view record, ReadRecord(bytes, entry));
    position += entry.entry_size;
    records[std::move(entry.name)] = record;
  }
  return records;
}

}  // namespace semblance::embedder
