// Reads those parts of MATLAB's .mat files that annotations of data sets use, with matio (versions 4, 5 and 7.3 of the format).
//
// Thread-safe: functions without state.
//
// Errors: NotFound (no such file), InvalidArgument (not a .mat file, no such variable or field, a value of another kind), with the
// file and the place in the variable.
#ifndef SEMBLANCE_DATASET_MAT_FILE_H_
#define SEMBLANCE_DATASET_MAT_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semblance::dataset {

// The values of two fields of a struct.
struct MatRecord {
  std::string text;
  int64_t number = 0;
};

// The names of the two fields.
struct MatRecordFields {
  std::string text;
  std::string number;
};

// Returns the elements of the struct array `variable`, in order.
absl::StatusOr<std::vector<MatRecord>> ReadMatRecords(const std::string& file, const std::string& variable,
                                                      const MatRecordFields& fields);

// Returns the strings of the cell array `variable`, in order.
absl::StatusOr<std::vector<std::string>> ReadMatTexts(const std::string& file, const std::string& variable);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_MAT_FILE_H_
