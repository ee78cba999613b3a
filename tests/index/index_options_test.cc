#include "index/index_options.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::Status ValidateWith(const std::function<void(SegmentedIndexOptions*)>& change) {
  SegmentedIndexOptions options;
  options.dimension = 64;
  change(&options);
  return options.Validate();
}

TEST(SegmentedIndexOptions, NeedOnlyADimension) {
  EXPECT_OK(ValidateWith([](SegmentedIndexOptions*) {}));
  EXPECT_THAT(SegmentedIndexOptions().Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SegmentedIndexOptions, TakeBothEndsOfEveryRangeAndNothingBeyond) {
  struct Range {
    const char* name;
    int SegmentedIndexOptions::*field;
    int low;
    int high;
  };
  for (const Range& range : {Range{"dimension", &SegmentedIndexOptions::dimension, 1, 4096},
                             Range{"seal_rows", &SegmentedIndexOptions::seal_rows, 1, 1 << 24},
                             Range{"hnsw_ef_construction", &SegmentedIndexOptions::hnsw_ef_construction, 4, 4096},
                             Range{"build_threads", &SegmentedIndexOptions::build_threads, 0, 1024}}) {
    const auto with = [&range](int value) {
      return ValidateWith([&](SegmentedIndexOptions* options) { options->*range.field = value; });
    };
    EXPECT_OK(with(range.low));
    EXPECT_OK(with(range.high));
    for (const int outside : {range.low - 1, range.high + 1}) {
      EXPECT_THAT(with(outside), AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr(range.name)),
                                       StatusMessage(HasSubstr(std::to_string(outside)))));
    }
  }
}

TEST(SegmentedIndexOptions, TakeARecallBetweenOneHalfAndOne) {
  const auto with = [](double recall) {
    return ValidateWith([recall](SegmentedIndexOptions* options) { options->target_recall = recall; });
  };
  EXPECT_OK(with(0.5));
  EXPECT_OK(with(1));
  for (const double recall : {0.49, 1.01, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(with(recall), StatusIs(absl::StatusCode::kInvalidArgument)) << recall;
  }
}

TEST(SegmentedIndexOptions, RefuseANegativeBudgetAndASpecThatDoesNotFitTheDimension) {
  EXPECT_THAT(ValidateWith([](SegmentedIndexOptions* options) { options->memory_budget_bytes = -1; }),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateWith([](SegmentedIndexOptions* options) { options->spec = ParseIndexSpec("IVF0,PQ7,RFlat").value(); }),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SegmentedIndexOptions, DeriveUnsetNumbersFromTheMachine) {
  SegmentedIndexOptions options;
  EXPECT_GE(options.EffectiveBuildThreads(), 1);
  EXPECT_GT(options.EffectiveMemoryBudgetBytes(), 0);
  options.build_threads = 7;
  options.memory_budget_bytes = 12345;
  EXPECT_EQ(options.EffectiveBuildThreads(), 7);
  EXPECT_EQ(options.EffectiveMemoryBudgetBytes(), 12345);
}

}  // namespace
}  // namespace semblance::index
