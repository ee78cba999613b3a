#include "service/http/generation_metrics.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::service {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

GenerationInfo InfoOf(const std::string& id, GenerationState state) {
  GenerationInfo info;
  info.manifest.set_id(id);
  info.state = state;
  return info;
}

class GenerationMetricsTest : public ::testing::Test {
 protected:
  std::string Text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  GenerationMetrics metrics_{&registry_};
};

TEST_F(GenerationMetricsTest, AGenerationHasOneStateAtATime) {
  metrics_.Set({.generations = {InfoOf("gen-000001", GenerationState::kCatchingUp)}, .active = "", .previous = ""});
  EXPECT_THAT(Text(), HasSubstr(R"(semblance_generation_state{generation="gen-000001",state="catching_up"} 1)"));
  metrics_.Set({.generations = {InfoOf("gen-000001", GenerationState::kReady)}, .active = "", .previous = ""});
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_generation_state{generation="gen-000001",state="ready"} 1)"),
                            Not(HasSubstr("catching_up"))));
}

TEST_F(GenerationMetricsTest, WhatIsGoneHasNoSeries) {
  GenerationInfo info = InfoOf("gen-000001", GenerationState::kActive);
  info.progress = GenerationProgress{.done = 1, .total = 2, .unit = "items", .time_left = {}};
  info.traffic = GenerationTraffic{.shares = {.canary = 0.5, .shadow = 0.5},
                                   .canary_count = 1,
                                   .shadow_count = 1,
                                   .shadow_dropped_count = 0,
                                   .shadow_overlap = 1};
  metrics_.Set({.generations = {info}, .active = "", .previous = ""});
  EXPECT_THAT(Text(), HasSubstr("gen-000001"));
  metrics_.Set(GenerationList());
  EXPECT_THAT(Text(), Not(HasSubstr("gen-000001")));
}

TEST_F(GenerationMetricsTest, OnlyALoadedGenerationLags) {
  GenerationInfo active = InfoOf("gen-000001", GenerationState::kActive);
  active.lag = 3;
  metrics_.Set({.generations = {InfoOf("gen-000002", GenerationState::kEmbedding), active}, .active = "", .previous = ""});
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_generation_lag{generation="gen-000001"} 3)"),
                            Not(HasSubstr(R"(semblance_generation_lag{generation="gen-000002"})"))));
}

TEST_F(GenerationMetricsTest, ProgressIsARatioWhereTheTotalIsKnown) {
  GenerationInfo known = InfoOf("gen-000001", GenerationState::kEmbedding);
  known.progress = GenerationProgress{.done = 30, .total = 120, .unit = "items", .time_left = {}};
  GenerationInfo unknown = InfoOf("gen-000002", GenerationState::kWarming);
  unknown.progress = GenerationProgress{.done = 30, .total = 0, .unit = "batches", .time_left = {}};
  metrics_.Set({.generations = {known, unknown}, .active = "", .previous = ""});
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_generation_progress_ratio{generation="gen-000001"} 0.25)"),
                            Not(HasSubstr(R"(semblance_generation_progress_ratio{generation="gen-000002"})"))));
}

TEST_F(GenerationMetricsTest, TrafficIsCountedWhereThereIsSome) {
  GenerationInfo canary = InfoOf("gen-000001", GenerationState::kReady);
  canary.traffic = GenerationTraffic{.shares = {.canary = 0.1, .shadow = 0},
                                     .canary_count = 12,
                                     .shadow_count = 0,
                                     .shadow_dropped_count = 0,
                                     .shadow_overlap = 0};
  GenerationInfo shadow = InfoOf("gen-000002", GenerationState::kReady);
  shadow.traffic = GenerationTraffic{.shares = {.canary = 0, .shadow = 1},
                                     .canary_count = 0,
                                     .shadow_count = 4,
                                     .shadow_dropped_count = 1,
                                     .shadow_overlap = 0.75};
  metrics_.Set({.generations = {canary, shadow}, .active = "", .previous = ""});
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_canary_total{generation="gen-000001"} 12)"),
                            Not(HasSubstr(R"(semblance_canary_total{generation="gen-000002"})")),
                            HasSubstr(R"(semblance_shadow_overlap{generation="gen-000002"} 0.75)"),
                            Not(HasSubstr(R"(semblance_shadow_overlap{generation="gen-000001"})"))));
}

TEST_F(GenerationMetricsTest, ActivationsAreCountedByResultAndPausesWhereWritesWaited) {
  EXPECT_THAT(Text(), HasSubstr(R"(semblance_activation_total{result="conflict"} 0)"));
  metrics_.ObserveActivation("done", absl::Milliseconds(20));
  metrics_.ObserveActivation("conflict", absl::ZeroDuration());
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_activation_total{result="done"} 1)"),
                            HasSubstr(R"(semblance_activation_total{result="conflict"} 1)"),
                            HasSubstr("semblance_write_pause_seconds_count 1"),
                            HasSubstr(R"(semblance_write_pause_seconds_bucket{le="0.025"} 1)")));
}

}  // namespace
}  // namespace semblance::service
