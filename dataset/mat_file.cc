#include "dataset/mat_file.h"

#include <matio.h>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance::dataset {
namespace {

struct CloseMat {
  void operator()(mat_t* file) const { Mat_Close(file); }
  void operator()(matvar_t* variable) const { Mat_VarFree(variable); }
};
using MatVariable = std::unique_ptr<matvar_t, CloseMat>;

// Returns true if the variables of a file of version 5 (little-endian, as today's computers write it) fill it exactly. matio does
// not notice when a file was cut off, and invents the missing values. Returns true for files of other versions.
bool IsComplete(absl::string_view bytes) {
  constexpr size_t kHeaderSize = 128;
  if (bytes.size() < kHeaderSize || bytes.substr(kHeaderSize - 4, 4) != absl::string_view("\0\1IM", 4)) {
    return true;
  }
  bytes.remove_prefix(kHeaderSize);
  while (bytes.size() >= 2 * sizeof(uint32_t)) {  // A variable has a type, a size, and that many bytes.
    uint32_t size = 0;
    std::memcpy(&size, bytes.data() + sizeof(size), sizeof(size));
    bytes.remove_prefix(2 * sizeof(size));
    if (size > bytes.size()) {
      return false;
    }
    bytes.remove_prefix(size);
  }
  return bytes.empty();
}

absl::StatusOr<MatVariable> ReadVariable(const std::string& file, const std::string& name, matio_classes expected) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
  if (!IsComplete(bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": is cut off; fetch it again"));
  }
  const std::unique_ptr<mat_t, CloseMat> mat(Mat_Open(file.c_str(), MAT_ACC_RDONLY));
  if (mat == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": not a .mat file that can be read"));
  }
  MatVariable variable(Mat_VarRead(mat.get(), name.c_str()));
  if (variable == nullptr || variable->class_type != expected || variable->data == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": holds no ", expected == MAT_C_STRUCT ? "struct" : "cell", " array \"", name, "\", or a damaged one"));
  }
  return variable;
}

template <typename Value>
std::optional<double> FirstAs(const matvar_t& variable) {
  if (variable.nbytes < sizeof(Value)) {
    return std::nullopt;
  }
  Value value;
  std::memcpy(&value, variable.data, sizeof(value));
  return static_cast<double>(value);
}

std::optional<double> FirstNumber(const matvar_t& variable) {
  switch (variable.class_type) {
    case MAT_C_DOUBLE:
      return FirstAs<double>(variable);
    case MAT_C_SINGLE:
      return FirstAs<float>(variable);
    case MAT_C_INT8:
      return FirstAs<int8_t>(variable);
    case MAT_C_UINT8:
      return FirstAs<uint8_t>(variable);
    case MAT_C_INT16:
      return FirstAs<int16_t>(variable);
    case MAT_C_UINT16:
      return FirstAs<uint16_t>(variable);
    case MAT_C_INT32:
      return FirstAs<int32_t>(variable);
    case MAT_C_UINT32:
      return FirstAs<uint32_t>(variable);
    default:
      return std::nullopt;
  }
}

absl::StatusOr<int64_t> NumberOf(const matvar_t* variable) {
  const std::optional<double> number =
      variable != nullptr && variable->data != nullptr ? FirstNumber(*variable) : std::optional<double>();
  constexpr double kMaxExact = 9007199254740992.0;  // 2^53
  if (!number.has_value() || *number != std::floor(*number) || std::abs(*number) > kMaxExact) {
    return absl::InvalidArgumentError("expected a whole number");
  }
  return static_cast<int64_t>(*number);
}

// MATLAB stores a character of ASCII in one byte or in two.
absl::StatusOr<std::string> TextOf(const matvar_t* variable) {
  if (variable == nullptr || variable->class_type != MAT_C_CHAR || variable->data == nullptr || variable->nbytes == 0) {
    return absl::InvalidArgumentError("expected a text");
  }
  const auto* const bytes = static_cast<const char*>(variable->data);
  if (variable->data_size == 1) {
    return std::string(bytes, variable->nbytes);
  }
  std::string text;
  for (size_t i = 0; i + sizeof(uint16_t) <= variable->nbytes; i += sizeof(uint16_t)) {
    uint16_t character = 0;
    std::memcpy(&character, bytes + i, sizeof(character));
    if (variable->data_size != sizeof(character) || character > 0x7f) {
      return absl::InvalidArgumentError("expected a text of ASCII characters");
    }
    text.push_back(static_cast<char>(character));
  }
  return text;
}

// matio keeps the elements of a cell array, and the fields of a struct array, as pointers.
size_t PointersIn(const matvar_t& variable) {
  return variable.nbytes / sizeof(matvar_t*);
}

// Finds the field `name` of a struct array. matio's own function for this crashes on the names of a damaged file.
std::optional<size_t> FieldIndex(const matvar_t& variable, const std::string& name) {
  char* const* const names = Mat_VarGetStructFieldnames(&variable);
  const size_t count = Mat_VarGetNumberOfFields(const_cast<matvar_t*>(&variable));
  for (size_t i = 0; names != nullptr && i < count; ++i) {
    if (names[i] != nullptr && name == names[i]) {
      return i;
    }
  }
  return std::nullopt;
}

// The struct array of a file, and the positions of the two fields.
class RecordArray {
 public:
  static absl::StatusOr<RecordArray> Read(const std::string& file, const std::string& variable, const MatRecordFields& fields) {
    RecordArray array;
    SEMBLANCE_ASSIGN_OR_RETURN(array.variable_, ReadVariable(file, variable, MAT_C_STRUCT));
    const std::optional<size_t> text = FieldIndex(*array.variable_, fields.text);
    const std::optional<size_t> number = FieldIndex(*array.variable_, fields.number);
    if (!text.has_value() || !number.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": ", variable, " has no field ", text.has_value() ? fields.number : fields.text));
    }
    array.text_ = *text;
    array.number_ = *number;
    array.field_count_ = Mat_VarGetNumberOfFields(array.variable_.get());
    return array;
  }

  size_t size() const { return PointersIn(*variable_) / field_count_; }

  absl::StatusOr<MatRecord> At(size_t index) const {
    matvar_t** const element = static_cast<matvar_t**>(variable_->data) + index * field_count_;
    MatRecord record;
    SEMBLANCE_ASSIGN_OR_RETURN(record.text, TextOf(element[text_]));
    SEMBLANCE_ASSIGN_OR_RETURN(record.number, NumberOf(element[number_]));
    return record;
  }

 private:
  MatVariable variable_;
  size_t text_ = 0;
  size_t number_ = 0;
  size_t field_count_ = 1;
};

// Returns "file: variable(3)". As in MATLAB, elements count from 1.
std::string Place(const std::string& file, const std::string& variable, size_t index) {
  return absl::StrCat(file, ": ", variable, "(", index + 1, ")");
}

}  // namespace

absl::StatusOr<std::vector<MatRecord>> ReadMatRecords(const std::string& file, const std::string& variable,
                                                      const MatRecordFields& fields) {
  SEMBLANCE_ASSIGN_OR_RETURN(const RecordArray array, RecordArray::Read(file, variable, fields));
  std::vector<MatRecord> records;
  for (size_t i = 0; i < array.size(); ++i) {
    absl::StatusOr<MatRecord> record = array.At(i);
    if (!record.ok()) {
      return WithContext(record.status(), Place(file, variable, i));
    }
    records.push_back(*std::move(record));
  }
  return records;
}

absl::StatusOr<std::vector<std::string>> ReadMatTexts(const std::string& file, const std::string& variable) {
  SEMBLANCE_ASSIGN_OR_RETURN(const MatVariable array, ReadVariable(file, variable, MAT_C_CELL));
  std::vector<std::string> texts;
  for (size_t i = 0; i < PointersIn(*array); ++i) {
    absl::StatusOr<std::string> text = TextOf(static_cast<matvar_t**>(array->data)[i]);
    if (!text.ok()) {
      return WithContext(text.status(), Place(file, variable, i));
    }
    texts.push_back(*std::move(text));
  }
  return texts;
}

}  // namespace semblance::dataset
