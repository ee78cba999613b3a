#include "cli/text/comparison.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::cli {
namespace {

using ::testing::ElementsAre;

// Makes a neighbor for each "id:label". Without a colon the neighbor has no label.
ComparedAnswer Answer(const std::vector<std::string>& neighbors) {
  ComparedAnswer answer;
  for (const std::string& text : neighbors) {
    ComparedNeighbor& neighbor = answer.neighbors.emplace_back();
    const size_t colon = text.find(':');
    neighbor.item_id = text.substr(0, colon);
    if (colon != std::string::npos) {
      neighbor.label = text.substr(colon + 1);
    }
  }
  return answer;
}

ComparedQuery Query(const std::string& name, std::optional<std::string> label, ComparedAnswer first, ComparedAnswer second) {
  ComparedQuery query;
  query.name = name;
  query.label = std::move(label);
  query.answers = {std::move(first), std::move(second)};
  return query;
}

std::vector<std::string> NamesOf(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const ComparedQuery& query : comparison.queries) {
    names.push_back(query.name);
  }
  return names;
}

TEST(ComparisonTest, MarksWhatBothFoundAndWhatHasTheLabel) {
  Comparison comparison;
  comparison.queries = {
      Query("q", "shoe", Answer({"a:shoe", "b:boot", "c", "d:shoe"}), Answer({"d:shoe", "e:shoe", "a:shoe", "f"}))};
  Score(comparison);
  const ComparedQuery& query = comparison.queries[0];
  const auto& first = query.answers[0].neighbors;
  EXPECT_TRUE(first[0].in_both && first[0].same_label);
  EXPECT_TRUE(!first[1].in_both && !first[1].same_label);
  EXPECT_TRUE(!first[2].in_both && !first[2].same_label);
  EXPECT_TRUE(first[3].in_both && first[3].same_label);
  const auto& second = query.answers[1].neighbors;
  EXPECT_TRUE(second[0].in_both && !second[1].in_both && second[2].in_both && !second[3].in_both);
  EXPECT_DOUBLE_EQ(query.overlap, 0.5);
  EXPECT_EQ(query.answers[0].label_precision, 0.5);
  EXPECT_EQ(query.answers[1].label_precision, 0.75);
}

TEST(ComparisonTest, MeansAreOverTheQueriesThatHaveTheNumber) {
  Comparison comparison;
  comparison.queries = {Query("half", "x", Answer({"a:x", "b:y"}), Answer({"b:y", "c:y"})),
                        Query("unlabelled", std::nullopt, Answer({"a:x", "b:x"}), Answer({"a:x", "b:x"})),
                        Query("same", "x", Answer({"a:x"}), Answer({"a:x"}))};
  Score(comparison);
  EXPECT_DOUBLE_EQ(comparison.mean_overlap.value(), (0.5 + 1 + 1) / 3);
  EXPECT_DOUBLE_EQ(comparison.mean_label_precision[0].value(), (0.5 + 1) / 2);
  EXPECT_DOUBLE_EQ(comparison.mean_label_precision[1].value(), (0.0 + 1) / 2);
}

TEST(ComparisonTest, NothingIsMeasuredWhereThereIsNothing) {
  Comparison empty;
  Score(empty);
  EXPECT_FALSE(empty.mean_overlap.has_value());
  EXPECT_FALSE(empty.mean_label_precision[0].has_value());
}

TEST(ComparisonTest, TheOverlapIsOfTheLongerAnswer) {
  Comparison comparison;
  comparison.queries = {Query("empty", "x", Answer({}), Answer({})),
                        Query("short", "x", Answer({"a:x"}), Answer({"a:x", "b", "c", "d"}))};
  Score(comparison);
  ASSERT_THAT(NamesOf(comparison), ElementsAre("short", "empty"));
  EXPECT_DOUBLE_EQ(comparison.queries[0].overlap, 0.25);
  EXPECT_DOUBLE_EQ(comparison.queries[1].overlap, 1);
  EXPECT_FALSE(comparison.queries[1].answers[0].label_precision.has_value());
}

TEST(ComparisonTest, TheBiggestDifferencesComeFirst) {
  Comparison comparison;
  comparison.queries = {Query("same", "x", Answer({"a:x"}), Answer({"a:x"})),
                        Query("other, alike", "x", Answer({"a:x"}), Answer({"b:x"})),
                        Query("other, better", "x", Answer({"a:y"}), Answer({"b:x"})),
                        Query("other, alike too", "x", Answer({"c:x"}), Answer({"d:x"}))};
  Score(comparison);
  EXPECT_THAT(NamesOf(comparison), ElementsAre("other, better", "other, alike", "other, alike too", "same"));
}

}  // namespace
}  // namespace semblance::cli
