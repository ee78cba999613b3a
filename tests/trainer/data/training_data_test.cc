#include "trainer/data/training_data.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/trainer/data/memory_dataset.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using testing::HasField;
using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MemoryDataset;
using testing::StatusIs;
using testing::StatusMessage;

struct Row {
  std::string id;
  std::string label;
  dataset::Split split;
};

absl::StatusOr<TrainingData> Prepare(const std::vector<Row>& rows,
                                     v1::DataConfig::HoldOut hold_out = v1::DataConfig::HOLD_OUT_ITEMS,
                                     double validation_fraction = 0) {
  auto dataset = std::make_unique<MemoryDataset>();
  for (const Row& row : rows) {
    dataset->Add(row.id, row.label, row.split, "");
  }
  v1::DataConfig config;
  config.set_hold_out(hold_out);
  config.set_hold_out_fraction(0.5);
  return PrepareTrainingData(std::move(dataset), config, validation_fraction);
}

TEST(TrainingDataTest, NumbersTheTrainingClassesByNameAndTheOthersAfterThem) {
  ASSERT_OK_AND_ASSIGN(const TrainingData data, Prepare({{"1", "dog", dataset::Split::kTrain},
                                                         {"2", "cat", dataset::Split::kTrain},
                                                         {"3", "dog", dataset::Split::kTrain},
                                                         {"4", "ant", dataset::Split::kTest},
                                                         {"5", "dog", dataset::Split::kTest},
                                                         {"6", "ant", dataset::Split::kTest}}));

  EXPECT_THAT(data.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(data.split.train, ElementsAre(0, 1, 2));
  EXPECT_THAT(data.train_labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(data.test_labels, ElementsAre(2, 1, 2));
}

TEST(TrainingDataTest, TrainsOnEverythingWhenNothingIsHeldOut) {
  ASSERT_OK_AND_ASSIGN(const TrainingData data,
                       Prepare({{"1", "dog", dataset::Split::kUnassigned}, {"2", "cat", dataset::Split::kUnassigned}},
                               v1::DataConfig::HOLD_OUT_NONE));

  EXPECT_THAT(data.split.train, ElementsAre(0, 1));
  EXPECT_THAT(data.test_labels, IsEmpty());
}

TEST(TrainingDataTest, RefusesASingleClass) {
  const auto data =
      Prepare({{"1", "dog", dataset::Split::kTrain}, {"2", "dog", dataset::Split::kTrain}, {"3", "dog", dataset::Split::kTest}});

  EXPECT_THAT(data, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(data, HasReason("DATA_INVALID"));
  EXPECT_THAT(data, HasField("data.path"));
  EXPECT_THAT(data, StatusMessage(HasSubstr("at least 2 classes")));
}

TEST(TrainingDataTest, RefusesDataWithoutTrainingImages) {
  EXPECT_THAT(Prepare({{"1", "dog", dataset::Split::kTest}, {"2", "cat", dataset::Split::kTest}}), HasReason("DATA_INVALID"));
}

TEST(TrainingDataTest, RefusesATestOfFewerThanTwoImagesThatWasAskedFor) {
  const auto data =
      Prepare({{"1", "dog", dataset::Split::kTrain}, {"2", "cat", dataset::Split::kTrain}, {"3", "cat", dataset::Split::kTest}});

  EXPECT_THAT(data, HasReason("DATA_INVALID"));
  EXPECT_THAT(data, HasField("data.hold_out_fraction"));
}

TEST(TrainingDataTest, NamesAnExampleWithoutLabel) {
  const auto data = Prepare({{"1", "dog", dataset::Split::kTrain}, {"loose.png", "", dataset::Split::kTrain}});

  EXPECT_THAT(data, HasReason("DATA_INVALID"));
  EXPECT_THAT(data, StatusMessage(HasSubstr("loose.png")));
}

TEST(TrainingDataTest, NamesAPathThatIsNotThere) {
  v1::DataConfig config;
  config.set_path("/nonexistent/data");

  EXPECT_THAT(OpenTrainingData(config, 0), StatusIs(absl::StatusCode::kNotFound));
}

TEST(TrainingDataTest, HoldsOutWholeTrainingClassesForValidation) {
  std::vector<Row> rows;
  for (int i = 0; i < 400; ++i) {
    const bool is_test = i % 4 == 3;
    rows.push_back(
        {"id" + std::to_string(i), "class" + std::to_string(i / 8), is_test ? dataset::Split::kTest : dataset::Split::kTrain});
  }
  ASSERT_OK_AND_ASSIGN(const TrainingData data, Prepare(rows, v1::DataConfig::HOLD_OUT_ITEMS, 0.3));

  const auto labels_of = [&](const std::vector<int64_t>& indices) {
    std::set<std::string> labels;
    for (const int64_t index : indices) {
      labels.insert(data.dataset->example(index).label);
    }
    return labels;
  };
  const std::set<std::string> held_out = labels_of(data.validation);
  EXPECT_GT(held_out.size(), 8u);
  EXPECT_LT(held_out.size(), 22u);
  for (const std::string& name : data.classes) {
    EXPECT_EQ(held_out.count(name), 0u) << name;
  }
  EXPECT_EQ(data.split.train.size() + data.validation.size(), 300u);
  EXPECT_EQ(data.split.test.size(), 100u);
  EXPECT_EQ(std::set<int64_t>(data.validation_labels.begin(), data.validation_labels.end()).size(), held_out.size());
}

TEST(TrainingDataTest, RefusesAValidationWithoutImages) {
  const auto data = Prepare({{"a", "x", dataset::Split::kTrain},
                             {"b", "y", dataset::Split::kTrain},
                             {"c", "x", dataset::Split::kTest},
                             {"d", "y", dataset::Split::kTest}},
                            v1::DataConfig::HOLD_OUT_ITEMS, 1e-9);
  EXPECT_THAT(data, HasField("validation.fraction"));
}

}  // namespace
}  // namespace semblance::trainer
