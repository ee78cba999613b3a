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

absl::StatusOr<std::unique_ptr<Dataset>> OpenListFile(const std::string& file, const DataRoot& root) {
  if (!IsTripletManifest(file, root)) {
    return OpenManifest(file, root);
  }
  SEMBLANCE_ASSIGN_OR_RETURN(TripletData data, OpenTripletManifest(file, root));
  return std::move(data.images);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(const std::string& path, const DataRoot& root) {
  SEMBLANCE_RETURN_IF_ERROR(root.Resolve(path).status());
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file or directory"));
  }
  if (!std::filesystem::is_directory(status)) {
    return OpenListFile(path, root);
  }
  if (IdxFileExists(path, "train-images-idx3-ubyte") || IdxFileExists(path, "t10k-images-idx3-ubyte")) {
    return OpenIdx(path, root);
  }
  if (IsCub200(path)) {
    return OpenCub200(path, root);
  }
  if (IsCars196(path)) {
    return OpenCars196(path, root);
  }
  if (IsOnlineProducts(path)) {
    return OpenOnlineProducts(path, root);
  }
  return OpenImageFolder(path, root);
}

}  // namespace semblance::dataset
