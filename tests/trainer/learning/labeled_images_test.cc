#include "trainer/learning/labeled_images.h"

#include <set>
#include <stop_token>
#include <tuple>

#include "tests/testing/status_matchers.h"
#include "tests/trainer/data/memory_dataset.h"

namespace semblance::trainer {
namespace {

class LabeledImagesTest : public ::testing::Test {
 protected:
  LabeledImagesTest() {
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < 10; ++i) {
      dataset_.AddGray("image" + std::to_string(i), "", dataset::Split::kUnassigned, 8, static_cast<char>(i));
      indices.push_back(i);
    }
    ImageStoreOptions options;
    options.stop = stop_.get_token();
    images_ =
        ImageStore::Load(&dataset_, indices, embedder::Preprocessor::Create(testing::GrayPreprocessing()).value(), options, "load")
            .value();
    for (int64_t i = 0; i < 25; ++i) {
      triplets_.push_back({i % 10, (i + 1 + i / 10) % 10, (i + 5) % 10});
    }
    config_.set_batch_size(4);
    config_.set_seed(3);
  }

  LabeledImages Images() const { return {images_.get(), &no_labels_, &triplets_}; }

  testing::MemoryDataset dataset_;
  std::stop_source stop_;
  std::unique_ptr<ImageStore> images_;
  std::vector<dataset::Triplet> triplets_;
  const std::vector<int64_t> no_labels_;
  v1::TrainingConfig config_;
};

TEST_F(LabeledImagesTest, BatchesNameEachTripletOncePerEpochOneAfterAnother) {
  const PositionBatches batches = EpochBatches(config_, Images(), 1);

  ASSERT_EQ(batches.size(), 7u);  // 25 triplets, 4 at most in each.
  std::multiset<std::tuple<int64_t, int64_t, int64_t>> seen;
  for (const std::vector<int64_t>& batch : batches) {
    ASSERT_EQ(batch.size() % 3, 0u);
    EXPECT_LE(batch.size(), 12u);
    for (size_t i = 0; i < batch.size(); i += 3) {
      seen.insert({batch[i], batch[i + 1], batch[i + 2]});
    }
  }
  std::multiset<std::tuple<int64_t, int64_t, int64_t>> expected;
  for (const dataset::Triplet& triplet : triplets_) {
    expected.insert({triplet.anchor, triplet.positive, triplet.negative});
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(LabeledImagesTest, BatchesDependOnSeedAndEpoch) {
  EXPECT_EQ(EpochBatches(config_, Images(), 1), EpochBatches(config_, Images(), 1));
  EXPECT_NE(EpochBatches(config_, Images(), 1), EpochBatches(config_, Images(), 2));
  v1::TrainingConfig other = config_;
  other.set_seed(4);
  EXPECT_NE(EpochBatches(config_, Images(), 1), EpochBatches(other, Images(), 1));
}

TEST_F(LabeledImagesTest, BatchesOfLabeledImagesAreOfImages) {
  const std::vector<int64_t> labels = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
  const LabeledImages images = {images_.get(), &labels, nullptr};
  EXPECT_EQ(EpochBatches(config_, images, 1), ShuffledBatches(10, 4, 3, 1));
  config_.mutable_sampler()->set_samples_per_class(2);
  EXPECT_EQ(EpochBatches(config_, images, 1), BalancedBatches(labels, {2, 2}, 3, 1));
}

TEST_F(LabeledImagesTest, DigestCoversImagesAndTriplets) {
  const std::string digest = DigestOf(Images());
  EXPECT_EQ(digest.size(), 71u);
  EXPECT_EQ(DigestOf({images_.get(), &no_labels_, nullptr}), images_->digest());
  EXPECT_NE(digest, images_->digest());
  std::swap(triplets_[3].positive, triplets_[3].negative);
  EXPECT_NE(DigestOf(Images()), digest);
}

}  // namespace
}  // namespace semblance::trainer
