// A data set in IDX files, held in memory.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "dataset/idx_file.h"
#include "dataset/png_encoder.h"

namespace semblance::dataset {
namespace {

// The two files of one split.
struct IdxPair {
  Split split;
  const char* directory_of_ids;
  const char* images;
  const char* labels;
};
constexpr IdxPair kPairs[] = {
    {Split::kTrain, "train", "train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
    {Split::kTest, "test", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
};

class IdxDataset final : public Dataset {
 public:
  absl::Status AddIfPresent(const std::string& directory, const IdxPair& pair, const DataRoot& root);

  int64_t size() const override { return static_cast<int64_t>(examples_.size()); }
  const Example& example(int64_t index) const override { return examples_[static_cast<size_t>(index)]; }
  absl::StatusOr<std::string> ReadImage(int64_t index) const override;

 private:
  // The images of one split. `first` is the index of their first example.
  struct Block {
    int64_t first = 0;
    IdxArray images;
  };

  std::vector<Example> examples_;
  std::vector<Block> blocks_;
};

absl::Status IdxDataset::AddIfPresent(const std::string& directory, const IdxPair& pair, const DataRoot& root) {
  if (!IdxFileExists(directory, pair.images)) {
    return absl::OkStatus();
  }
  SEMBLANCE_ASSIGN_OR_RETURN(IdxArray images, ReadIdxFile(directory, pair.images, /*axes=*/3, root));
  SEMBLANCE_ASSIGN_OR_RETURN(const IdxArray labels, ReadIdxFile(directory, pair.labels, /*axes=*/1, root));
  const int64_t count = images.shape[0];
  if (labels.shape[0] != count) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory, ": ", count, " images in ", pair.images, " but ", labels.shape[0], " labels in ", pair.labels));
  }
  if (images.shape[1] < 1 || images.shape[2] < 1) {
    return absl::InvalidArgumentError(absl::StrCat(directory, "/", pair.images, ": images without pixels"));
  }
  blocks_.push_back(Block{size(), std::move(images)});
  examples_.reserve(examples_.size() + static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const int label = static_cast<uint8_t>(labels.values[static_cast<size_t>(i)]);
    examples_.push_back(Example{absl::StrFormat("%s/%05d", pair.directory_of_ids, i), absl::StrCat(label), pair.split});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> IdxDataset::ReadImage(int64_t index) const {
  const Block& block = index >= blocks_.back().first ? blocks_.back() : blocks_.front();
  const int height = static_cast<int>(block.images.shape[1]);
  const int width = static_cast<int>(block.images.shape[2]);
  const size_t image_size = static_cast<size_t>(height) * static_cast<size_t>(width);
  const size_t offset = static_cast<size_t>(index - block.first) * image_size;
  return EncodeGrayPng(absl::string_view(block.images.values).substr(offset, image_size), width, height);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> OpenIdx(const std::string& directory, const DataRoot& root) {
  auto dataset = std::make_unique<IdxDataset>();
  for (const IdxPair& pair : kPairs) {
    SEMBLANCE_RETURN_IF_ERROR(dataset->AddIfPresent(directory, pair, root));
  }
  if (dataset->size() == 0) {
    return absl::NotFoundError(absl::StrCat(directory, ": no images in {train,t10k}-images-idx3-ubyte[.gz]"));
  }
  return dataset;
}

}  // namespace semblance::dataset
