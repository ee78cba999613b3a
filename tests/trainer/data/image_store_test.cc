#include "trainer/data/image_store.h"

#include <stop_token>
#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/trainer/data/memory_dataset.h"

namespace semblance::trainer {
namespace {

using testing::GrayPreprocessing;
using testing::HasField;
using ::testing::HasSubstr;
using testing::MemoryDataset;
using testing::StatusIs;
using testing::StatusMessage;

constexpr int64_t kImageBytes = 64;

absl::StatusOr<std::unique_ptr<ImageStore>> LoadStore(const dataset::Dataset& dataset, std::vector<int64_t> indices,
                                                      int64_t max_cached_bytes, int threads = 2) {
  ImageStoreOptions options;
  options.threads = threads;
  options.max_cached_bytes = max_cached_bytes;
  return ImageStore::Load(&dataset, std::move(indices), embedder::Preprocessor::Create(GrayPreprocessing()).value(), options,
                          "test");
}

// Images with the gray values 0, 10, 20, ...
MemoryDataset GrayImages(int count) {
  MemoryDataset dataset;
  for (int i = 0; i < count; ++i) {
    dataset.AddGray("image-" + std::to_string(i), "class", dataset::Split::kTrain, 8, static_cast<char>(10 * i));
  }
  return dataset;
}

TEST(ImageStoreTest, HoldsTheAskedImagesInTheirOrder) {
  const MemoryDataset dataset = GrayImages(4);

  ASSERT_OK_AND_ASSIGN(const auto store, LoadStore(dataset, {1, 3}, 1000));

  EXPECT_EQ(store->size(), 2);
  EXPECT_EQ(store->Get(0).value()->pixels, std::vector<uint8_t>(kImageBytes, 10));
  EXPECT_EQ(store->Get(1).value()->pixels, std::vector<uint8_t>(kImageBytes, 30));
}

TEST(ImageStoreTest, GivesTheSameImagesWithoutMemoryForThem) {
  const MemoryDataset dataset = GrayImages(4);

  ASSERT_OK_AND_ASSIGN(const auto store, LoadStore(dataset, {0, 1, 2, 3}, 2 * kImageBytes));

  EXPECT_EQ(store->cached_bytes(), 2 * kImageBytes);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(store->Get(i).value()->pixels, std::vector<uint8_t>(kImageBytes, static_cast<uint8_t>(10 * i)));
  }
}

TEST(ImageStoreTest, MeasuresMeanAndStandardDeviation) {
  MemoryDataset dataset;
  dataset.AddGray("black", "a", dataset::Split::kTrain, 8, '\0');
  dataset.AddGray("white", "b", dataset::Split::kTrain, 8, '\xff');

  ASSERT_OK_AND_ASSIGN(const auto store, LoadStore(dataset, {0, 1}, 0));

  EXPECT_NEAR(store->statistics().mean[0], 0.5, 1e-6);
  EXPECT_NEAR(store->statistics().std[0], 0.5, 1e-6);
}

TEST(ImageStoreTest, NeverReportsAStandardDeviationOfZero) {
  const MemoryDataset dataset = GrayImages(1);

  ASSERT_OK_AND_ASSIGN(const auto store, LoadStore(dataset, {0}, 0));

  EXPECT_FLOAT_EQ(store->statistics().std[0], 1.0F / 255);
}

TEST(ImageStoreTest, DigestsContentWhateverTheThreadsAndTheMemory) {
  const MemoryDataset dataset = GrayImages(20);
  const MemoryDataset other = GrayImages(21);

  const std::string digest = LoadStore(dataset, {0, 1, 2}, 0, /*threads=*/1).value()->digest();

  EXPECT_EQ(digest.substr(0, 7), "sha256:");
  EXPECT_EQ(digest.size(), 71U);
  EXPECT_EQ(digest, LoadStore(other, {0, 1, 2}, 1000, /*threads=*/4).value()->digest());
  EXPECT_NE(digest, LoadStore(dataset, {0, 2, 1}, 0).value()->digest());
  EXPECT_NE(digest, LoadStore(dataset, {0, 1}, 0).value()->digest());
}

TEST(ImageStoreTest, NamesTheBrokenImage) {
  MemoryDataset dataset = GrayImages(3);
  dataset.Add("cat/broken.png", "cat", dataset::Split::kTrain, dataset.ReadImage(1).value().substr(0, 50));

  const auto store = LoadStore(dataset, {0, 1, 2, 3}, 0);

  EXPECT_THAT(store, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store, HasField("data.path"));
  EXPECT_THAT(store, StatusMessage(HasSubstr("cat/broken.png")));
}

TEST(ImageStoreTest, StopsWhenAsked) {
  const MemoryDataset dataset = GrayImages(3);
  std::stop_source stop;
  stop.request_stop();
  ImageStoreOptions options;
  options.stop = stop.get_token();

  EXPECT_THAT(ImageStore::Load(&dataset, {0, 1}, embedder::Preprocessor::Create(GrayPreprocessing()).value(), options, "test"),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST(ImageStoreTest, MayBeEmpty) {
  const MemoryDataset dataset = GrayImages(1);

  ASSERT_OK_AND_ASSIGN(const auto store, LoadStore(dataset, {}, 0));

  EXPECT_EQ(store->size(), 0);
}

}  // namespace
}  // namespace semblance::trainer
