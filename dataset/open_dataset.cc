#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "dataset/idx_file.h"
#include "dataset/layouts.h"
#include "dataset/triplet_manifest.h"

namespace semblance::dataset {
namespace {

absl::StatusOr<std::unique_ptr<Dataset>> OpenListFile(const std::string& file) {
  if (!IsTripletManifest(file)) {
    return OpenManifest(file);
  }
  SEMBLANCE_ASSIGN_OR_RETURN(TripletData data, OpenTripletManifest(file));
  return std::move(data.images);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file or directory"));
  }
  if (!std::filesystem::is_directory(status)) {
    return OpenListFile(path);
  }
  if (IdxFileExists(path, "train-images-idx3-ubyte") || IdxFileExists(path, "t10k-images-idx3-ubyte")) {
    return OpenIdx(path);
  }
  if (IsCub200(path)) {
    return OpenCub200(path);
  }
  if (IsCars196(path)) {
    return OpenCars196(path);
  }
  if (IsOnlineProducts(path)) {
    return OpenOnlineProducts(path);
  }
  return OpenImageFolder(path);
}

}  // namespace semblance::dataset
