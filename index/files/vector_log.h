// The vector log keeps the rows of one growing segment in a file, so that a restart finds them. docs/storage_format.md describes
// its bytes.
//
// Not thread-safe.
//
// Every record has the same size and its own checksum, so a torn or damaged record loses its own row and no other.
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
  // Creates a log. REQUIRES: no file at `path`.
  static absl::StatusOr<std::unique_ptr<VectorLogWriter>> Create(const std::string& path, int dimension);

  // Appends a record per row, without a sync. After an error the last record may be torn, and the file must not be written any
  // more.
  absl::Status Append(absl::Span<const IndexAdd> adds);

  absl::Status Sync() { return file_->Sync(); }

 private:
  explicit VectorLogWriter(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}

  const std::unique_ptr<AppendFile> file_;
};

struct VectorLog {
  std::vector<uint64_t> keys;
  // Row-major, one row per key.
  std::vector<float> vectors;
  // Number of bad records that a good record follows. They are damage, unlike the torn end of an interrupted write.
  int64_t damaged_records = 0;
};

// Reads the good records of a log. Errors: DataLoss (the file does not begin as a log of this dimension).
absl::StatusOr<VectorLog> DecodeVectorLog(absl::string_view file, int dimension);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FILES_VECTOR_LOG_H_
