// The bytes of a segment file: a header with a table of sections, then the sections. Each section has a checksum and begins at a
// multiple of 64 bytes, so that a mapped file can be searched in place. docs/storage_format.md describes them with an example.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_INDEX_FILES_SEGMENT_FILE_H_
#define SEMBLANCE_INDEX_FILES_SEGMENT_FILE_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace semblance::index {

// The numbers are part of the format.
enum class SectionKind : uint32_t {
  kDescription = 1,
  kKeys = 2,
  kVectors = 3,
  kRowCodes = 4,
  kGroundLinks = 5,
  kUpperRows = 6,
  kUpperLinks = 7,
  kCentroids = 8,
  kListEnds = 9,
  kPqCentroids = 10,
  kPqCodes = 11,
};

struct FileSection {
  SectionKind kind = SectionKind::kDescription;
  absl::string_view bytes;
};

template <typename T>
absl::string_view BytesOf(absl::Span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Writes a file with the sections, durably and atomically; see WriteFileAtomically. REQUIRES: distinct kinds.
absl::Status WriteSegmentFile(const std::string& path, absl::Span<const FileSection> sections);

class SegmentSections {
 public:
  // Decodes a file. The result points into `file`. Errors: DataLoss for anything but the bytes that were written.
  static absl::StatusOr<SegmentSections> Decode(absl::string_view file);

  // Returns the bytes of a section. Errors: DataLoss (no section of this kind).
  absl::StatusOr<absl::string_view> Find(SectionKind kind) const;

  // Copies a section of `count` values. Errors: DataLoss (no section of this kind, or one of another size).
  template <typename T>
  absl::Status Copy(SectionKind kind, size_t count, T* values) const {
    const absl::StatusOr<absl::string_view> bytes = Find(kind);
    if (!bytes.ok()) {
      return bytes.status();
    }
    if (bytes->size() != count * sizeof(T)) {
      return WrongSize(kind, bytes->size(), count * sizeof(T));
    }
    if (count > 0) {  // An empty array may have no address.
      std::memcpy(values, bytes->data(), bytes->size());
    }
    return absl::OkStatus();
  }

  static absl::Status WrongSize(SectionKind kind, size_t size, size_t expected);

 private:
  std::vector<FileSection> sections_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FILES_SEGMENT_FILE_H_
