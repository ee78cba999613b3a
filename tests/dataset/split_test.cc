#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "dataset/dataset.h"
#include "dataset/file_dataset.h"
#include "tests/testing/status_matchers.h"

namespace semblance::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::StatusIs;

// Makes a data set of `classes` classes with ten images each. It has no split.
std::vector<Example> Unassigned(int classes) {
  std::vector<Example> examples;
  for (int i = 0; i < 10 * classes; ++i) {
    examples.push_back(Example{"image-" + std::to_string(i), "class-" + std::to_string(i / 10), Split::kUnassigned});
  }
  return examples;
}

std::set<std::string> LabelsOf(const Dataset& dataset, const std::vector<int64_t>& indices) {
  std::set<std::string> labels;
  for (const int64_t index : indices) {
    labels.insert(dataset.example(index).label);
  }
  return labels;
}

TEST(SplitTest, FollowsTheDataWhereItHasSplits) {
  const auto dataset =
      NewFileDataset(
          {.examples = {{"a", "x", Split::kTest}, {"b", "x", Split::kTrain}, {"c", "y", Split::kTrain}, {"d", "y", Split::kTest}}})
          .value();

  ASSERT_OK_AND_ASSIGN(const SplitIndices split, AssignSplit(*dataset, HoldOut::kItems, 0.5));

  EXPECT_THAT(split.train, ElementsAre(1, 2));
  EXPECT_THAT(split.test, ElementsAre(0, 3));
}

TEST(SplitTest, RefusesDataOfWhichOnlyAPartHasSplits) {
  const auto dataset = NewFileDataset({.examples = {{"a", "x", Split::kTest}, {"b", "x", Split::kUnassigned}}}).value();

  EXPECT_THAT(AssignSplit(*dataset, HoldOut::kItems, 0.5), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SplitTest, HoldsOutAboutTheAskedShareOfItems) {
  const auto dataset = NewFileDataset({.examples = Unassigned(100)}).value();

  ASSERT_OK_AND_ASSIGN(const SplitIndices split, AssignSplit(*dataset, HoldOut::kItems, 0.2));

  EXPECT_EQ(split.train.size() + split.test.size(), 1000U);
  EXPECT_NEAR(static_cast<double>(split.test.size()), 200, 40);
  EXPECT_TRUE(std::is_sorted(split.train.begin(), split.train.end()));
  EXPECT_TRUE(std::is_sorted(split.test.begin(), split.test.end()));
}

TEST(SplitTest, HoldsOutWholeClasses) {
  const auto dataset = NewFileDataset({.examples = Unassigned(100)}).value();

  ASSERT_OK_AND_ASSIGN(const SplitIndices split, AssignSplit(*dataset, HoldOut::kClasses, 0.5));

  const std::set<std::string> train = LabelsOf(*dataset, split.train);
  const std::set<std::string> test = LabelsOf(*dataset, split.test);
  EXPECT_EQ(train.size() + test.size(), 100U);
  EXPECT_NEAR(static_cast<double>(test.size()), 50, 15);
}

TEST(SplitTest, HoldsOutTheLastClassesByName) {
  const auto dataset = NewFileDataset({.examples = Unassigned(9)}).value();

  ASSERT_OK_AND_ASSIGN(const SplitIndices split, AssignSplit(*dataset, HoldOut::kLastClasses, 1.0 / 3));

  EXPECT_THAT(LabelsOf(*dataset, split.train), ElementsAre("class-0", "class-1", "class-2", "class-3", "class-4", "class-5"));
  EXPECT_THAT(LabelsOf(*dataset, split.test), ElementsAre("class-6", "class-7", "class-8"));
}

TEST(SplitTest, HoldsOutNothingWhenAskedTo) {
  const auto dataset = NewFileDataset({.examples = Unassigned(3)}).value();

  ASSERT_OK_AND_ASSIGN(const SplitIndices split, AssignSplit(*dataset, HoldOut::kNone, 0.5));

  EXPECT_THAT(split.train, SizeIs(30));
  EXPECT_THAT(split.test, IsEmpty());
}

TEST(SplitTest, DecidesForEachItemAloneSoThatMoreDataMovesNoItem) {
  const auto few = NewFileDataset({.examples = Unassigned(5)}).value();
  const auto many = NewFileDataset({.examples = Unassigned(50)}).value();

  ASSERT_OK_AND_ASSIGN(const SplitIndices split_of_few, AssignSplit(*few, HoldOut::kItems, 0.3));
  ASSERT_OK_AND_ASSIGN(const SplitIndices split_of_many, AssignSplit(*many, HoldOut::kItems, 0.3));

  ASSERT_FALSE(split_of_few.test.empty());
  EXPECT_TRUE(
      std::includes(split_of_many.test.begin(), split_of_many.test.end(), split_of_few.test.begin(), split_of_few.test.end()));
}

}  // namespace
}  // namespace semblance::dataset
