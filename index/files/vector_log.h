// The vector log: the rows of one growing segment in a file, so that a restart finds them. docs/storage_format.md has the bytes.
//
// Not thread-safe.
//
// Every record has the same size and its own checksum: a record that was torn or damaged costs its own row and no other.
#ifndef SEMBLANCE_INDEX_FILES_VECTOR_LOG_H_
#define SEMBLANCE_INDEX_FILES_VECTOR_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/file.h"
#include "index/vector_index.h"

namespace semblance::index {

class VectorLogWriter {
 public:
  // REQUIRES: no file at `path`.
  static absl::StatusOr<std::unique_ptr<VectorLogWriter>> Create(const std::string& path, int dimension);

  // Adds a record per row; not synced. After an error the end of the file may be torn: write no more to it.
  absl::Status Append(absl::Span<const IndexAdd> adds);

  absl::Status Sync() { return file_->Sync(); }

 private:
  explicit VectorLogWriter(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}

  const std::unique_ptr<AppendFile> file_;
};

struct VectorLog {
  std::vector<uint64_t> keys;
  // Row-major, a row per key.
  std::vector<float> vectors;
  // Bad records with a good one behind them: damage, not the torn end of an interrupted write.
  int64_t damaged_records = 0;
};

// Errors: DataLoss (not the head of a log of this dimension).
absl::StatusOr<VectorLog> DecodeVectorLog(absl::string_view file, int dimension);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FILES_VECTOR_LOG_H_
