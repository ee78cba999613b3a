// The IDX format of MNIST and its successors: two zero bytes, a type byte (8: unsigned bytes), the number of axes, a big-endian
// 32-bit size per axis, then the values in row-major order.
//
// Thread-safe: functions without state.
//
// Errors: InvalidArgument with the name of the file, what was found and what was expected.
#ifndef SEMBLANCE_DATASET_IDX_FILE_H_
#define SEMBLANCE_DATASET_IDX_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dataset/data_root.h"

namespace semblance::dataset {

// Unsigned bytes with a shape.
struct IdxArray {
  std::vector<int64_t> shape;
  // The values; their number is the product of the shape.
  std::string values;
};

// Parses the bytes of a file of unsigned bytes with `axes` axes; `name` is used in messages.
absl::StatusOr<IdxArray> ParseIdx(absl::string_view bytes, int axes, absl::string_view name);

// Reads DIRECTORY/STEM, or DIRECTORY/STEM.gz when that does not exist. Errors: also NotFound, I/O errors and those of DataRoot.
absl::StatusOr<IdxArray> ReadIdxFile(const std::string& directory, const std::string& stem, int axes,
                                     const DataRoot& root = DataRoot());

// Returns true if one of the two files exists.
bool IdxFileExists(const std::string& directory, const std::string& stem);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_IDX_FILE_H_
