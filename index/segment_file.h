// The bytes of a segment file: a header with a table of sections, then the sections, each under a checksum. docs/storage_format.md
// has them with an example.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_INDEX_SEGMENT_FILE_H_
#define SEMBLANCE_INDEX_SEGMENT_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace semblance {

struct SegmentFile {
  int dimension = 0;
  // Ascending.
  std::vector<uint64_t> keys;
  // What FAISS wrote. Points into the file's bytes.
  absl::string_view index;
};

std::string EncodeSegmentFile(int dimension, absl::Span<const uint64_t> keys, absl::string_view index);

// Errors: DataLoss (anything but the bytes that were written).
absl::StatusOr<SegmentFile> DecodeSegmentFile(absl::string_view file);

}  // namespace semblance

#endif  // SEMBLANCE_INDEX_SEGMENT_FILE_H_
