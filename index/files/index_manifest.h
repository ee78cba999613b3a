// The manifest of an index directory lists the files that make up the index. docs/storage_format.md has an example.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_INDEX_FILES_INDEX_MANIFEST_H_
#define SEMBLANCE_INDEX_FILES_INDEX_MANIFEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::index {

struct IndexManifest {
  int dimension = 0;
  // Greater than the number of every file.
  uint64_t next_file = 1;
  // Numbers of files.
  std::vector<uint64_t> segments;
  std::vector<uint64_t> logs;
};

std::string EncodeIndexManifest(const IndexManifest& manifest);

// Errors: DataLoss (damaged); FailedPrecondition (written by a newer version).
absl::StatusOr<IndexManifest> DecodeIndexManifest(absl::string_view bytes);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FILES_INDEX_MANIFEST_H_
