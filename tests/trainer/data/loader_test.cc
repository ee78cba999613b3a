#include "trainer/data/loader.h"

#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "dataset/png_encoder.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/data/memory_dataset.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using testing::GrayPreprocessing;
using testing::MemoryDataset;
using ::testing::SizeIs;

// Images of 8 x 8 pixels that differ from one another.
MemoryDataset Gradients(int count) {
  MemoryDataset dataset;
  for (int i = 0; i < count; ++i) {
    std::string pixels;
    for (int pixel = 0; pixel < 64; ++pixel) {
      pixels.push_back(static_cast<char>(3 * pixel + i));
    }
    dataset.Add("image-" + std::to_string(i), "class", dataset::Split::kTrain, dataset::EncodeGrayPng(pixels, 8, 8).value());
  }
  return dataset;
}

class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest() : dataset_(Gradients(50)) {
    ImageStoreOptions options;
    options.stop = stop_.get_token();
    options.max_cached_bytes = 1000;
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < dataset_.size(); ++i) {
      indices.push_back(i);
    }
    store_ =
        ImageStore::Load(&dataset_, indices, embedder::Preprocessor::Create(GrayPreprocessing()).value(), options, "test").value();
  }

  std::vector<LoadedBatch> LoadAll(const LoaderOptions& options, const PositionBatches& batches) const {
    Loader loader(store_.get(), batches, options);
    std::vector<LoadedBatch> result;
    while (std::optional<LoadedBatch> batch = loader.Next().value()) {
      result.push_back(*batch);
    }
    return result;
  }

  std::vector<uint8_t> AllPixels(const LoaderOptions& options, const PositionBatches& batches) const {
    std::vector<uint8_t> pixels;
    for (const LoadedBatch& batch : LoadAll(options, batches)) {
      pixels.insert(pixels.end(), batch.pixels.begin(), batch.pixels.end());
    }
    return pixels;
  }

  std::stop_source stop_;
  const MemoryDataset dataset_;
  std::unique_ptr<ImageStore> store_;
};

LoaderOptions Augmented(int threads, uint64_t seed, int epoch) {
  LoaderOptions options;
  options.threads = threads;
  options.augmentation = Augmentation{/*horizontal_flip=*/true, /*max_shift_pixels=*/2};
  options.seed = seed;
  options.epoch = epoch;
  return options;
}

TEST_F(LoaderTest, DeliversTheBatchesInOrder) {
  const std::vector<LoadedBatch> batches = LoadAll(LoaderOptions(), {{4, 2}, {7}});

  ASSERT_THAT(batches, SizeIs(2));
  EXPECT_THAT(batches[0].positions, ElementsAre(4, 2));
  EXPECT_THAT(batches[1].positions, ElementsAre(7));
  EXPECT_THAT(batches[0].pixels, SizeIs(128));
  EXPECT_EQ(batches[0].pixels[0], 4);
  EXPECT_EQ(batches[0].pixels[64], 2);
  EXPECT_EQ(batches[1].pixels, store_->Get(7).value()->pixels);
}

TEST_F(LoaderTest, DependsOnSeedAndEpochAndNotOnThreads) {
  const PositionBatches batches = SequentialBatches(50, 4);
  const std::vector<uint8_t> pixels = AllPixels(Augmented(1, 1, 1), batches);

  for (const int threads : {2, 3, 8}) {
    EXPECT_EQ(AllPixels(Augmented(threads, 1, 1), batches), pixels);
  }
  EXPECT_NE(AllPixels(Augmented(1, 2, 1), batches), pixels);
  EXPECT_NE(AllPixels(Augmented(1, 1, 2), batches), pixels);
}

TEST_F(LoaderTest, AugmentsAnImageAlikeInWhicheverBatchItIs) {
  EXPECT_EQ(AllPixels(Augmented(2, 1, 1), SequentialBatches(50, 4)), AllPixels(Augmented(2, 1, 1), SequentialBatches(50, 7)));
}

TEST_F(LoaderTest, AugmentsAnImageInAnotherWayWhenItIsVisitedAgain) {
  const std::vector<LoadedBatch> batches = LoadAll(Augmented(1, 1, 1), {{3, 3, 3, 3}, {3, 3, 3, 3}});

  std::set<std::vector<uint8_t>> variants;
  for (const LoadedBatch& batch : batches) {
    for (int i = 0; i < 4; ++i) {
      variants.emplace(batch.pixels.begin() + 64 * i, batch.pixels.begin() + 64 * (i + 1));
    }
  }
  EXPECT_GE(variants.size(), 6U);  // A flip and shifts by two pixels give 50 variants.
}

TEST_F(LoaderTest, BeginsInTheMiddleAsIfItHadGoneThere) {
  const PositionBatches positions = {{3, 5}, {3, 3}, {5, 3}};
  const std::vector<LoadedBatch> all = LoadAll(Augmented(1, 1, 1), positions);
  LoaderOptions options = Augmented(2, 1, 1);
  options.first_batch = 1;

  const std::vector<LoadedBatch> rest = LoadAll(options, positions);

  ASSERT_THAT(rest, SizeIs(2));
  EXPECT_EQ(rest[0].pixels, all[1].pixels);
  EXPECT_EQ(rest[1].pixels, all[2].pixels);
}

TEST_F(LoaderTest, MayBeDroppedBeforeItsEnd) {
  Loader loader(store_.get(), SequentialBatches(50, 1), LoaderOptions());

  EXPECT_TRUE(loader.Next().value().has_value());
}

TEST_F(LoaderTest, EndsAtOnceWithoutBatches) {
  EXPECT_THAT(LoadAll(LoaderOptions(), {}), SizeIs(0));
}

}  // namespace
}  // namespace semblance::trainer
