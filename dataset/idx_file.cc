#include "dataset/idx_file.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "dataset/gzip.h"

namespace semblance::dataset {
namespace {

constexpr char kUnsignedByte = 8;

int64_t BigEndian32(absl::string_view bytes) {
  int64_t value = 0;
  for (const char byte : bytes.substr(0, 4)) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

}  // namespace

absl::StatusOr<IdxArray> ParseIdx(absl::string_view bytes, int axes, absl::string_view name) {
  const size_t header_size = 4 + 4 * static_cast<size_t>(axes);
  const char magic[] = {0, 0, kUnsignedByte, static_cast<char>(axes)};
  if (bytes.size() < header_size || bytes.substr(0, 4) != absl::string_view(magic, 4)) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": not an IDX file of unsigned bytes with ", axes, " axes"));
  }
  IdxArray array;
  // The bound prevents an overflow of the product of hostile sizes.
  constexpr int64_t kMaxValues = int64_t{1} << 40;
  int64_t count = 1;
  for (int axis = 0; axis < axes; ++axis) {
    array.shape.push_back(BigEndian32(bytes.substr(4 + 4 * static_cast<size_t>(axis))));
    if (array.shape.back() > kMaxValues / std::max<int64_t>(count, 1)) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": its header promises more than ", kMaxValues, " values"));
    }
    count *= array.shape.back();
  }
  if (static_cast<int64_t>(bytes.size() - header_size) != count) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": holds ", bytes.size() - header_size, " values where its header promises ", count));
  }
  array.values = std::string(bytes.substr(header_size));
  return array;
}

absl::StatusOr<IdxArray> ReadIdxFile(const std::string& directory, const std::string& stem, int axes, const DataRoot& root) {
  const std::string path = absl::StrCat(directory, "/", stem);
  if (PathExists(path)) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root.Resolve(path));
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(real));
    return ParseIdx(bytes, axes, path);
  }
  const std::string compressed_path = absl::StrCat(path, ".gz");
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root.Resolve(compressed_path));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string compressed, ReadFile(real));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string bytes, DecompressGzip(compressed, compressed_path));
  return ParseIdx(bytes, axes, compressed_path);
}

bool IdxFileExists(const std::string& directory, const std::string& stem) {
  const std::string path = absl::StrCat(directory, "/", stem);
  return PathExists(path) || PathExists(absl::StrCat(path, ".gz"));
}

}  // namespace semblance::dataset
