#include "service/engine/serving_state.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"
#include "tests/testing/fake_clock.h"

namespace semblance::testing {
namespace {

using service::EngineState;
using service::ServingState;
using ::testing::ElementsAre;

class ServingStateTest : public ::testing::Test, public LiveFixture {
 protected:
  FakeClock clock_;
  service::LiveGenerations live_{&catalog(), &clock_};
  std::vector<EngineState> changes_;
  ServingState state_{&live_, [this](EngineState state) { changes_.push_back(state); }};
};

TEST_F(ServingStateTest, TakesNoRequestsWhileItStarts) {
  EXPECT_EQ(state_.Read().state, EngineState::kStarting);
  EXPECT_THAT(state_.Admit(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_TRUE(RetryDelay(state_.Admit().status()).has_value());
  EXPECT_THAT(state_.CheckWritable(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_OK(state_.CheckServing());
}

TEST_F(ServingStateTest, WithoutAModelItIsWritableAndSaysWhyNothingAnswers) {
  state_.Set(EngineState::kNoModel, "there is no model yet");
  EXPECT_OK(state_.CheckWritable());
  EXPECT_THAT(state_.Admit(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_THAT(state_.Admit(), StatusMessage(::testing::HasSubstr("there is no model yet")));
}

TEST_F(ServingStateTest, AdmitsToTheActiveGeneration) {
  const auto generation = Load(1);
  live_.SetActive(generation);
  for (const EngineState state : {EngineState::kServing, EngineState::kDegraded}) {
    state_.Set(state, "it answers");
    const auto admitted = state_.Admit();
    ASSERT_OK(admitted);
    EXPECT_EQ(*admitted, generation);
    EXPECT_OK(state_.CheckWritable());
  }
}

TEST_F(ServingStateTest, DrainingIsForEver) {
  live_.SetActive(Load(1));
  state_.Set(EngineState::kDraining, "the server is shutting down");
  state_.Set(EngineState::kServing, "it answers");
  EXPECT_EQ(state_.Read().state, EngineState::kDraining);
  EXPECT_EQ(state_.Read().reason, "the server is shutting down");
  EXPECT_THAT(state_.CheckServing(), HasReason("DRAINING"));
  EXPECT_THAT(state_.CheckWritable(), HasReason("DRAINING"));
  EXPECT_THAT(state_.Admit(), HasReason("DRAINING"));
  EXPECT_THAT(changes_, ElementsAre(EngineState::kDraining));
}

TEST_F(ServingStateTest, TellsEveryChange) {
  state_.Set(EngineState::kNoModel, "");
  state_.Set(EngineState::kServing, "");
  EXPECT_THAT(changes_, ElementsAre(EngineState::kNoModel, EngineState::kServing));
}

}  // namespace
}  // namespace semblance::testing
