// Decompresses .gz files with zlib.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_DATASET_GZIP_H_
#define SEMBLANCE_DATASET_GZIP_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::dataset {

// Returns the decompressed bytes of one gzip stream. `name` is used in messages. Errors: InvalidArgument (not gzip, corrupt,
// truncated, bytes after its end, or more than 4 GiB when decompressed).
absl::StatusOr<std::string> DecompressGzip(absl::string_view compressed, absl::string_view name);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_GZIP_H_
