#include "service/live/generation_traffic.h"

#include <set>

#include "common/digest.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/generations/generation_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

TEST(RoutingPointTest, DependsOnTheKeyAloneAndSpreadsKeysEvenly) {
  EXPECT_EQ(service::RoutingPoint("somebody"), service::RoutingPoint("somebody"));
  int below = 0;
  for (int i = 0; i < 2000; ++i) {
    const double point = service::RoutingPoint(absl::StrCat("user ", i));
    ASSERT_GE(point, 0);
    ASSERT_LT(point, 1);
    below += point < 0.3 ? 1 : 0;
  }
  EXPECT_NEAR(below, 600, 80);
}

TEST(RoutingPointTest, IsTheSameOnEveryServer) {
  // The point comes from the first 13 digits of sha256("semblance").
  EXPECT_NEAR(service::RoutingPoint("semblance"),
              static_cast<double>(std::stoull(Sha256Hex("semblance").substr(0, 13), nullptr, 16)) / 0x1p52, 1e-15);
}

service::SearchAnswer AnswerOf(const std::vector<std::string>& ids) {
  service::SearchAnswer answer;
  answer.results.emplace_back();
  for (const std::string& id : ids) {
    answer.results.back().push_back({.item = std::make_shared<service::ItemRecord>(
                                         service::ItemRecord{.sequence = 1, .id = id, .label = std::nullopt, .attributes = {}}),
                                     .score = 0});
  }
  return answer;
}

TEST(OverlapTest, IsTheShareOfTheLiveAnswer) {
  EXPECT_DOUBLE_EQ(service::OverlapOf(AnswerOf({"a", "b", "c", "d"}), AnswerOf({"d", "x", "a", "y"})), 0.5);
  EXPECT_DOUBLE_EQ(service::OverlapOf(AnswerOf({}), AnswerOf({"a"})), 1);
  EXPECT_DOUBLE_EQ(service::OverlapOf(AnswerOf({"a"}), AnswerOf({})), 0);
}

class TrafficTest : public ::testing::Test, public GenerationFixture {
 protected:
  void StartWithTwo() {
    ASSERT_OK(StartAll("model"));
    std::vector<catalog::ItemWrite> items;
    for (uint32_t i = 0; i < 20; ++i) {
      items.push_back(ItemOf(absl::StrCat(i), i));
    }
    ASSERT_OK(Upsert(std::move(items)));
    other_ = BuildReady("other");
  }

  // The generation that answers.
  std::string AnswererOf(const std::string& routing_key) {
    const std::string image = PictureOf(3);
    service::SearchInput input = InputOf(service::ImageQuery{.bytes = image}, 5);
    input.routing_key = routing_key;
    const auto answer = Search(std::move(input));
    EXPECT_OK(answer);
    return answer.ok() ? answer->provenance.generation : "";
  }

  std::string other_;
};

TEST_F(TrafficTest, ACanaryAnswersItsShareAndEachCallerStaysOnOneSide) {
  StartWithTwo();
  ASSERT_OK(generations().SetTraffic(other_, {.canary = 0.4, .shadow = 0}));
  int canary = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string key = absl::StrCat("user ", i);
    const std::string answerer = AnswererOf(key);
    EXPECT_EQ(answerer, service::RoutingPoint(key) < 0.4 ? other_ : "gen-000001");
    EXPECT_EQ(AnswererOf(key), answerer);
    canary += answerer == other_ ? 2 : 0;
  }
  EXPECT_EQ(generations().Get(other_)->traffic->canary_count, canary);
  ASSERT_OK(generations().SetTraffic(other_, {}));
  EXPECT_FALSE(generations().Get(other_)->traffic.has_value());
  EXPECT_EQ(AnswererOf("user 1"), "gen-000001");
}

TEST_F(TrafficTest, AVectorOfTheActiveSpaceNeverGoesToTheCanary) {
  StartWithTwo();
  ASSERT_OK(generations().SetTraffic(other_, {.canary = 1, .shadow = 0}));
  const auto active = engine().live().active();
  const auto answer = Search(InputOf(service::VectorQuery{.values = std::vector<float>(kDimension, 1),
                                                          .embedding_space_id = active->manifest().embedding_space_id()},
                                     3));
  ASSERT_OK(answer);
  EXPECT_EQ(answer->provenance.generation, "gen-000001");
}

TEST_F(TrafficTest, AShadowIsComparedAndNeverAnswers) {
  StartWithTwo();
  ASSERT_OK(generations().SetTraffic(other_, {.canary = 0, .shadow = 1}));
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(AnswererOf(""), "gen-000001");
  }
  engine().AwaitIdle();
  const service::GenerationTraffic traffic = *generations().Get(other_)->traffic;
  EXPECT_EQ(traffic.shadow_count + traffic.shadow_dropped_count, 30);
  EXPECT_GT(traffic.shadow_count, 0);
  const std::string image = PictureOf(3);
  service::SearchInput input = InputOf(service::ImageQuery{.bytes = image}, 5);
  input.generation = "gen-000001";
  const auto live = Search(input);
  input.generation = other_;
  const auto other = Search(input);
  ASSERT_OK(live);
  ASSERT_OK(other);
  EXPECT_NEAR(traffic.shadow_overlap, service::OverlapOf(*live, *other), 1e-5);
}

TEST_F(TrafficTest, AnActivationEndsAllTraffic) {
  StartWithTwo();
  ASSERT_OK(generations().SetTraffic(other_, {.canary = 0.5, .shadow = 0}));
  ASSERT_OK(generations().Activate(other_, "", false));
  EXPECT_FALSE(generations().Get("gen-000001")->traffic.has_value());
  EXPECT_EQ(AnswererOf("user 1"), other_);
}

TEST_F(TrafficTest, RefusesSharesOutOfRangeAndGenerationsThatAreNotReady) {
  StartWithTwo();
  EXPECT_THAT(generations().SetTraffic(other_, {.canary = 1.5, .shadow = 0}).status(), HasReason("CONFIG_INVALID"));
  EXPECT_THAT(generations().SetTraffic(other_, {.canary = 0, .shadow = -1}).status(), HasReason("CONFIG_INVALID"));
  EXPECT_THAT(generations().SetTraffic("gen-000001", {.canary = 0.5, .shadow = 0}).status(), HasReason("GENERATION_NOT_READY"));
  const std::string third = BuildReady("third");
  ASSERT_OK(generations().SetTraffic(other_, {.canary = 0.7, .shadow = 0}));
  const auto refused = generations().SetTraffic(third, {.canary = 0.5, .shadow = 0});
  EXPECT_THAT(refused.status(), HasReason("CONFIG_INVALID"));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("1.2"));
}

TEST_F(TrafficTest, ASearchMayNameTheGenerationThatAnswers) {
  StartWithTwo();
  service::SearchInput input = InputOf(service::ItemQuery{.id = "1"}, 3);
  input.generation = other_;
  const auto answer = Search(input);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->provenance.generation, other_);
  input.generation = "gen-000077";
  EXPECT_THAT(Search(input).status(), HasReason("GENERATION_NOT_FOUND"));
}

}  // namespace
}  // namespace semblance::testing
