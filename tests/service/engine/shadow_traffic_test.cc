#include "service/engine/shadow_traffic.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

class ShadowTrafficTest : public ::testing::Test, public EngineFixture {
 protected:
  const std::string picture_ = PictureOf(3);
};

TEST_F(ShadowTrafficTest, ComparesTheAnswersOfTwoGenerations) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  for (uint32_t i = 0; i < 20; ++i) {
    ASSERT_OK(Upsert({ItemOf(std::string(1, static_cast<char>('a' + i)), i)}));
  }
  const std::string other = AddGeneration("other");
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 5);
  input.queries.emplace_back(service::ImageQuery{.bytes = picture_});
  input.query_fields.emplace_back("queries[1]");
  const auto live = Search(input);
  input.generation = other;
  const auto shadow = Search(input);
  ASSERT_OK(live);
  ASSERT_OK(shadow);
  ASSERT_OK(engine().live().SetTraffic(other, {.canary = 0, .shadow = 1}));
  input.generation = "";
  ASSERT_OK(Search(input));
  engine().AwaitIdle();
  const auto traffic = engine().live().TrafficOf(other);
  EXPECT_EQ(traffic->shadow_count, 1);
  EXPECT_EQ(traffic->shadow_dropped_count, 0);
  EXPECT_NEAR(traffic->shadow_overlap, service::OverlapOf(*live, *shadow), 1e-5);
}

TEST_F(ShadowTrafficTest, DropsWhatDoesNotFitBesideTwoOthers) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const std::string other = AddGeneration("other");
  ASSERT_OK(engine().live().SetTraffic(other, {.canary = 0, .shadow = 1}));
  embedder().CloseGate();
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(Search(InputOf(service::ImageQuery{.bytes = picture_}, 1)));
  }
  embedder().OpenGate();
  engine().AwaitIdle();
  EXPECT_EQ(engine().live().TrafficOf(other)->shadow_count, service::ShadowTraffic::kMaxRunning);
  EXPECT_EQ(engine().live().TrafficOf(other)->shadow_dropped_count, 5 - service::ShadowTraffic::kMaxRunning);
}

TEST_F(ShadowTrafficTest, DropsAComparisonThatTheOtherGenerationCannotAnswer) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const std::string other = AddGeneration("other");
  ASSERT_OK(engine().live().SetTraffic(other, {.canary = 0, .shadow = 1}));
  embedder().FailWith(absl::InternalError("the network is broken"));
  ASSERT_OK(Search(InputOf(service::ImageQuery{.bytes = picture_}, 1)));
  engine().AwaitIdle();
  EXPECT_EQ(engine().live().TrafficOf(other)->shadow_count, 0);
  EXPECT_EQ(engine().live().TrafficOf(other)->shadow_dropped_count, 1);
}

TEST_F(ShadowTrafficTest, AVectorIsComparedWithNobody) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const std::string space = engine().status().generation->manifest().embedding_space_id();
  const std::string other = AddGeneration("other");
  ASSERT_OK(engine().live().SetTraffic(other, {.canary = 0, .shadow = 1}));
  ASSERT_OK(Search(InputOf(service::VectorQuery{.values = std::vector<float>(kDimension, 1), .embedding_space_id = space}, 1)));
  engine().AwaitIdle();
  EXPECT_EQ(engine().live().TrafficOf(other)->shadow_count, 0);
  EXPECT_EQ(engine().live().TrafficOf(other)->shadow_dropped_count, 0);
}

}  // namespace
}  // namespace semblance::testing
