#include "service/generations/generation_checks.h"

#include <cmath>
#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/generations/generation_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using service::CheckShares;
using service::CompleteSpec;
using service::GenerationSpec;
using ::testing::AllOf;

// Checks a spec that has one value changed.
absl::Status CheckWith(const std::function<void(GenerationSpec&)>& change) {
  GenerationSpec spec;
  change(spec);
  return CompleteSpec(spec).status();
}

auto IsRefused(const std::string& field) {
  return AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("CONFIG_INVALID"), HasField(field));
}

TEST(GenerationChecksTest, FillsInGatesThatAreNotSet) {
  ASSERT_OK_AND_ASSIGN(const GenerationSpec spec, CompleteSpec({}));
  EXPECT_EQ(spec.gates.min_index_recall(), 0.95);
  EXPECT_FALSE(spec.gates.has_label_recall_tolerance());
  EXPECT_EQ(spec.gates.sample_size(), 1000);
}

TEST(GenerationChecksTest, KeepsGatesThatAreSet) {
  GenerationSpec spec;
  spec.gates.set_min_index_recall(0);
  spec.gates.set_sample_size(10);
  ASSERT_OK_AND_ASSIGN(spec, CompleteSpec(spec));
  EXPECT_EQ(spec.gates.min_index_recall(), 0);
  EXPECT_EQ(spec.gates.sample_size(), 10);
}

TEST(GenerationChecksTest, AcceptsTheEndsOfEveryRange) {
  for (const double share : {0.0, 1.0}) {
    EXPECT_OK(CheckWith([=](GenerationSpec& spec) { spec.gates.set_min_index_recall(share); }));
    EXPECT_OK(CheckWith([=](GenerationSpec& spec) { spec.gates.set_label_recall_tolerance(share); }));
  }
  for (const int size : {10, 100'000}) {
    EXPECT_OK(CheckWith([=](GenerationSpec& spec) { spec.gates.set_sample_size(size); }));
  }
  EXPECT_OK(CheckWith([](GenerationSpec& spec) { spec.request_id = std::string(128, 'r'); }));
}

TEST(GenerationChecksTest, RefusesValuesOutOfRangeByField) {
  for (const double share : {-0.01, 1.01, std::nan("")}) {
    EXPECT_THAT(CheckWith([=](GenerationSpec& spec) { spec.gates.set_min_index_recall(share); }),
                IsRefused("gates.min_index_recall"));
    EXPECT_THAT(CheckWith([=](GenerationSpec& spec) { spec.gates.set_label_recall_tolerance(share); }),
                IsRefused("gates.label_recall_tolerance"));
  }
  for (const int size : {-1, 9, 100'001}) {
    EXPECT_THAT(CheckWith([=](GenerationSpec& spec) { spec.gates.set_sample_size(size); }), IsRefused("gates.sample_size"));
  }
  EXPECT_THAT(CheckWith([](GenerationSpec& spec) { spec.request_id = std::string(129, 'r'); }), IsRefused("request_id"));
}

TEST(GenerationChecksTest, RefusesSharesOfTrafficOutsideZeroToOne) {
  for (const double share : {0.0, 0.5, 1.0}) {
    EXPECT_OK(CheckShares({.canary = share, .shadow = share}));
  }
  for (const double share : {-0.01, 1.01, std::nan("")}) {
    EXPECT_THAT(CheckShares({.canary = share, .shadow = 0}), IsRefused("traffic.canary_share"));
    EXPECT_THAT(CheckShares({.canary = 0, .shadow = share}), IsRefused("traffic.shadow_share"));
  }
}

class CreateGenerationTest : public ::testing::Test, public GenerationFixture {};

TEST_F(CreateGenerationTest, ChecksTheRequestOfEveryCaller) {
  ASSERT_OK(StartAll("model"));
  GenerationSpec spec = SpecOf("other");
  spec.gates.set_min_index_recall(1.1);
  EXPECT_THAT(generations().Create(spec), IsRefused("gates.min_index_recall"));
  EXPECT_EQ(launcher().starts, 0);
}

}  // namespace
}  // namespace semblance::testing
