#include "bench/training/image_folders.h"

#include <cstdint>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"

namespace semblance::bench {
namespace {

// Makes noise of 8 x 8 cells and enlarges it.
std::string GeneratePng(int side, uint64_t seed) {
  cv::RNG random(seed);
  cv::Mat cells(8, 8, CV_8UC3);
  random.fill(cells, cv::RNG::UNIFORM, 0, 256);
  cv::Mat image;
  cv::resize(cells, image, cv::Size(side, side), 0, 0, cv::INTER_CUBIC);
  std::vector<uint8_t> png;
  cv::imencode(".png", image, png);
  return {png.begin(), png.end()};
}

}  // namespace

absl::Status WriteImageFolder(const std::string& directory, const ImageFolderOptions& options) {
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(directory));
  std::unique_ptr<dataset::Dataset> source;
  if (!options.source.empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(source, dataset::OpenDataset(options.source));
    if (source->size() < options.images) {
      return absl::InvalidArgumentError(
          absl::StrCat(options.source, " has ", source->size(), " images; the benchmark takes ", options.images));
    }
  }
  for (int i = 0; i < options.images; ++i) {
    std::string image;
    if (source != nullptr) {
      SEMBLANCE_ASSIGN_OR_RETURN(image, source->ReadImage(i));
    } else {
      image = GeneratePng(options.side, static_cast<uint64_t>(i) + 1);
    }
    const std::string folder = absl::StrCat(directory, "/", i % options.classes);
    SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(folder));
    SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(folder, "/", i, ".png"), image));
  }
  return absl::OkStatus();
}

}  // namespace semblance::bench
