#include "trainer/data/triplet_data.h"

#include <fstream>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/trainer/data/memory_dataset.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using testing::HasField;
using testing::HasReason;
using ::testing::IsEmpty;
using testing::MemoryDataset;
using testing::TempDir;

using Ids = std::vector<std::string>;  // The ids of anchor, positive and negative.

dataset::TripletData Triplets(int64_t images, const std::vector<dataset::Triplet>& triplets) {
  auto dataset = std::make_unique<MemoryDataset>();
  for (int64_t i = 0; i < images; ++i) {
    dataset->Add("image" + std::to_string(i), "", dataset::Split::kUnassigned, "");
  }
  return {std::move(dataset), triplets};
}

// Two triplets for each of 200 anchors.
dataset::TripletData ManyTriplets() {
  std::vector<dataset::Triplet> triplets;
  for (int64_t i = 0; i < 400; ++i) {
    triplets.push_back({i % 200, (i * 7 + 1) % 200, 200 + i % 50});
  }
  return Triplets(250, triplets);
}

v1::DataConfig HoldOut(double fraction, v1::DataConfig::HoldOut hold_out = v1::DataConfig::HOLD_OUT_ITEMS) {
  v1::DataConfig config;
  config.set_hold_out(hold_out);
  config.set_hold_out_fraction(fraction);
  return config;
}

std::set<Ids> IdsOf(const TrainingData& data, const std::vector<int64_t>& images, const std::vector<dataset::Triplet>& triplets) {
  const auto id = [&](int64_t position) { return data.dataset->example(images.at(static_cast<size_t>(position))).id; };
  std::set<Ids> ids;
  for (const dataset::Triplet& triplet : triplets) {
    ids.insert({id(triplet.anchor), id(triplet.positive), id(triplet.negative)});
  }
  return ids;
}

std::set<std::string> AnchorsOf(const std::set<Ids>& triplets) {
  std::set<std::string> anchors;
  for (const Ids& ids : triplets) {
    anchors.insert(ids[0]);
  }
  return anchors;
}

TEST(TripletDataTest, GivesEveryTripletToOneSideAndEveryAnchorToOneSide) {
  ASSERT_OK_AND_ASSIGN(const TrainingData data, PrepareTripletData(ManyTriplets(), HoldOut(0.3), 0.2));

  EXPECT_TRUE(data.has_triplets());
  EXPECT_THAT(data.classes, IsEmpty());
  const std::set<Ids> train = IdsOf(data, data.split.train, data.train_triplets);
  const std::set<Ids> validation = IdsOf(data, data.validation, data.validation_triplets);
  const std::set<Ids> test = IdsOf(data, data.split.test, data.test_triplets);
  std::set<Ids> all = train;
  all.insert(validation.begin(), validation.end());
  all.insert(test.begin(), test.end());
  std::vector<int64_t> everything(250);
  std::iota(everything.begin(), everything.end(), 0);
  EXPECT_EQ(all, IdsOf(data, everything, ManyTriplets().triplets));
  EXPECT_EQ(data.train_triplets.size() + data.validation_triplets.size() + data.test_triplets.size(), 400u);
  const size_t anchors = AnchorsOf(train).size() + AnchorsOf(validation).size() + AnchorsOf(test).size();
  EXPECT_EQ(anchors, 200u);
  EXPECT_NEAR(static_cast<double>(AnchorsOf(test).size()), 60, 20);
  EXPECT_NEAR(static_cast<double>(AnchorsOf(validation).size()), 28, 15);
}

TEST(TripletDataTest, LoadsTheImagesThatASideNamesOnceEach) {
  ASSERT_OK_AND_ASSIGN(const TrainingData data, PrepareTripletData(ManyTriplets(), HoldOut(0.3), 0));

  std::set<int64_t> named;
  for (const dataset::Triplet& triplet : data.test_triplets) {
    named.insert({triplet.anchor, triplet.positive, triplet.negative});
  }
  EXPECT_EQ(named.size(), data.split.test.size());
  EXPECT_EQ(*named.rbegin(), static_cast<int64_t>(data.split.test.size()) - 1);
  EXPECT_EQ(std::set<int64_t>(data.split.test.begin(), data.split.test.end()).size(), data.split.test.size());
}

TEST(TripletDataTest, LeavesAnchorsWhereTheyWereWhenDataIsAdded) {
  dataset::TripletData fewer = ManyTriplets();
  fewer.triplets.resize(100);
  ASSERT_OK_AND_ASSIGN(const TrainingData before, PrepareTripletData(std::move(fewer), HoldOut(0.3), 0));
  ASSERT_OK_AND_ASSIGN(const TrainingData after, PrepareTripletData(ManyTriplets(), HoldOut(0.3), 0));

  const std::set<Ids> test = IdsOf(after, after.split.test, after.test_triplets);
  for (const Ids& ids : IdsOf(before, before.split.test, before.test_triplets)) {
    EXPECT_EQ(test.count(ids), 1u) << ids[0];
  }
}

TEST(TripletDataTest, TrainsOnEverythingWhenNothingIsHeldOut) {
  ASSERT_OK_AND_ASSIGN(const TrainingData data, PrepareTripletData(ManyTriplets(), HoldOut(0.3, v1::DataConfig::HOLD_OUT_NONE), 0));

  EXPECT_EQ(data.train_triplets.size(), 400u);
  EXPECT_THAT(data.test_triplets, IsEmpty());
}

TEST(TripletDataTest, RefusesASideThatIsEmpty) {
  const auto prepare = [](double hold_out, double validation) {
    return PrepareTripletData(Triplets(3, {{0, 1, 2}}), HoldOut(hold_out), validation);
  };
  EXPECT_THAT(prepare(1e-9, 0), HasField("data.hold_out_fraction"));
  EXPECT_THAT(prepare(1 - 1e-9, 0), HasField("data.path"));
  EXPECT_THAT(prepare(1e-9, 1e-9), HasField("validation.fraction"));
  EXPECT_THAT(prepare(1e-9, 0), HasReason("DATA_INVALID"));
}

TEST(TripletDataTest, IsWhatAManifestOfTripletsIsOpenedAs) {
  const TempDir dir;
  std::ofstream(dir.Join("t.tsv")) << "anchor\tpositive\tnegative\na.png\tb.png\tc.png\nb.png\ta.png\tc.png\n";
  v1::DataConfig config = HoldOut(0.5, v1::DataConfig::HOLD_OUT_NONE);
  config.set_path(dir.Join("t.tsv"));

  ASSERT_OK_AND_ASSIGN(const TrainingData data, OpenTrainingData(config, 0));

  EXPECT_THAT(data.train_triplets, ElementsAre(dataset::Triplet{0, 1, 2}, dataset::Triplet{1, 0, 2}));
}

}  // namespace
}  // namespace semblance::trainer
