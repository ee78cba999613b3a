#include "service/rpc/generation_convert.h"

#include <string>

#include "gtest/gtest.h"
#include "service/live/generation_info.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::testing::AllOf;

GenerationInfo FullInfo() {
  GenerationInfo info;
  info.manifest.set_id("gen-000012");
  info.manifest.set_model("shoes");
  info.manifest.set_model_version(3);
  info.manifest.set_embedding_space_id("sha256:abc");
  info.manifest.set_dimension(64);
  info.manifest.set_index_factory("HNSW32");
  service::SetPolicy(service::ActivationPolicy::kIfBetter, info.manifest);
  info.manifest.set_create_time("2024-05-06T07:08:09Z");
  info.manifest.mutable_gates()->set_min_index_recall(0.9);
  info.manifest.mutable_gates()->set_label_recall_tolerance(0.02);
  info.manifest.mutable_gates()->set_sample_size(500);
  info.state = GenerationState::kReady;
  info.reason = "not better";
  info.state_time = absl::FromUnixSeconds(1'700'000'000);
  info.progress = GenerationProgress{.done = 5, .total = 10, .unit = "writes", .time_left = absl::Seconds(4)};
  info.evaluation = GenerationEvaluation{.item_count = 10,
                                         .expected_item_count = 11,
                                         .sequence = 42,
                                         .index_recall = 0.96,
                                         .label_recall = 0.7,
                                         .active_label_recall = 0.8,
                                         .warm_latency = absl::Milliseconds(5),
                                         .failures = {"one item is missing"},
                                         .evaluate_time = absl::FromUnixSeconds(1'700'000'001)};
  info.traffic = GenerationTraffic{.shares = {.canary = 0.1, .shadow = 0.2},
                                   .canary_count = 7,
                                   .shadow_count = 8,
                                   .shadow_dropped_count = 9,
                                   .shadow_overlap = 0.75};
  info.applied_sequence = 41;
  info.lag = 1;
  info.item_count = 10;
  info.memory_bytes = 4096;
  return info;
}

TEST(GenerationConvertTest, EveryFieldOfAGenerationArrives) {
  v1::Generation proto;
  ToProto(FullInfo(), &proto);
  EXPECT_EQ(proto.id(), "gen-000012");
  EXPECT_EQ(proto.state(), v1::GENERATION_STATE_READY);
  EXPECT_EQ(proto.state_reason(), "not better");
  EXPECT_EQ(proto.model(), "shoes");
  EXPECT_EQ(proto.model_version(), 3);
  EXPECT_EQ(proto.embedding_space_id(), "sha256:abc");
  EXPECT_EQ(proto.dimension(), 64);
  EXPECT_EQ(proto.index_factory(), "HNSW32");
  EXPECT_EQ(proto.activation_policy(), v1::ACTIVATION_POLICY_IF_BETTER);
  EXPECT_EQ(proto.gates().min_index_recall(), 0.9);
  EXPECT_EQ(proto.gates().label_recall_tolerance(), 0.02);
  EXPECT_EQ(proto.gates().sample_size(), 500);
  EXPECT_EQ(proto.create_time().seconds(), 1'714'979'289);
  EXPECT_EQ(proto.state_time().seconds(), 1'700'000'000);
  EXPECT_EQ(proto.progress().done(), 5);
  EXPECT_EQ(proto.progress().total(), 10);
  EXPECT_EQ(proto.progress().unit(), "writes");
  EXPECT_EQ(proto.progress().time_left().seconds(), 4);
  EXPECT_EQ(proto.applied_sequence(), 41U);
  EXPECT_EQ(proto.lag(), 1);
  EXPECT_EQ(proto.item_count(), 10);
  EXPECT_EQ(proto.memory_bytes(), 4096);
  EXPECT_EQ(proto.traffic().canary_share(), 0.1);
  EXPECT_EQ(proto.traffic().shadow_share(), 0.2);
  EXPECT_EQ(proto.traffic().canary_count(), 7);
  EXPECT_EQ(proto.traffic().shadow_count(), 8);
  EXPECT_EQ(proto.traffic().shadow_dropped_count(), 9);
  EXPECT_EQ(proto.traffic().shadow_overlap(), 0.75);
}

TEST(GenerationConvertTest, EveryFieldOfAnEvaluationArrives) {
  v1::Generation generation;
  ToProto(FullInfo(), &generation);
  const v1::GenerationEvaluation& proto = generation.evaluation();
  EXPECT_EQ(proto.item_count(), 10);
  EXPECT_EQ(proto.expected_item_count(), 11);
  EXPECT_EQ(proto.sequence(), 42U);
  EXPECT_EQ(proto.index_recall(), 0.96);
  EXPECT_EQ(proto.label_recall(), 0.7);
  EXPECT_EQ(proto.active_label_recall(), 0.8);
  EXPECT_EQ(proto.warm_latency().nanos(), 5'000'000);
  ASSERT_EQ(proto.failures_size(), 1);
  EXPECT_EQ(proto.failures(0), "one item is missing");
  EXPECT_EQ(proto.evaluate_time().seconds(), 1'700'000'001);
}

TEST(GenerationConvertTest, WhatIsNotKnownIsAbsent) {
  GenerationInfo info;
  info.progress.emplace().time_left = absl::InfiniteDuration();
  info.evaluation.emplace();
  v1::Generation proto;
  ToProto(info, &proto);
  EXPECT_FALSE(proto.has_gates());
  EXPECT_FALSE(proto.has_create_time());
  EXPECT_FALSE(proto.has_traffic());
  EXPECT_FALSE(proto.progress().has_time_left());
  EXPECT_FALSE(proto.evaluation().has_label_recall());
  EXPECT_FALSE(proto.evaluation().has_active_label_recall());
  EXPECT_EQ(proto.activation_policy(), v1::ACTIVATION_POLICY_MANUAL);
  ToProto(GenerationInfo(), &(proto = v1::Generation()));
  EXPECT_FALSE(proto.has_progress());
  EXPECT_FALSE(proto.has_evaluation());
}

TEST(GenerationConvertTest, EveryStateHasItsCounterpartByName) {
  const auto* states = v1::GenerationState_descriptor();
  for (int state = 0; state <= static_cast<int>(GenerationState::kCancelled); ++state) {
    GenerationInfo info;
    info.state = static_cast<GenerationState>(state);
    v1::Generation proto;
    ToProto(info, &proto);
    std::string name(GenerationStateName(info.state));
    for (char& c : name) {
      c = static_cast<char>(std::toupper(c));
    }
    EXPECT_EQ(states->FindValueByNumber(proto.state())->name(), "GENERATION_STATE_" + name);
  }
}

TEST(GenerationConvertTest, AListNamesTheActiveOneAndTheOneBefore) {
  GenerationList list{.generations = {FullInfo(), FullInfo()}, .active = "gen-000002", .previous = "gen-000001"};
  v1::ListGenerationsResponse proto;
  ToProto(list, &proto);
  EXPECT_EQ(proto.generations_size(), 2);
  EXPECT_EQ(proto.active(), "gen-000002");
  EXPECT_EQ(proto.previous(), "gen-000001");
}

TEST(GenerationConvertTest, ARequestIsReadWhole) {
  v1::CreateGenerationRequest request;
  request.set_index_factory("Flat");
  request.mutable_gates()->set_min_index_recall(0);
  request.mutable_gates()->set_label_recall_tolerance(1);
  request.mutable_gates()->set_sample_size(100'000);
  request.set_activation_policy(v1::ACTIVATION_POLICY_ALWAYS);
  request.set_request_id(std::string(128, 'r'));
  ASSERT_OK_AND_ASSIGN(const GenerationSpec spec, FromProto(request));
  EXPECT_EQ(spec.index_factory, "Flat");
  EXPECT_TRUE(spec.gates.has_min_index_recall());
  EXPECT_EQ(spec.gates.min_index_recall(), 0);
  EXPECT_EQ(spec.gates.label_recall_tolerance(), 1);
  EXPECT_EQ(spec.gates.sample_size(), 100'000);
  EXPECT_EQ(spec.policy, ActivationPolicy::kAlways);
  EXPECT_EQ(spec.request_id, request.request_id());
}

TEST(GenerationConvertTest, WhatARequestLeavesOutIsNotSet) {
  ASSERT_OK_AND_ASSIGN(const GenerationSpec spec, FromProto(v1::CreateGenerationRequest()));
  EXPECT_EQ(spec.gates.ByteSizeLong(), 0);
  EXPECT_EQ(spec.policy, ActivationPolicy::kManual);
}

TEST(GenerationConvertTest, RefusesAPolicyThatItDoesNotKnow) {
  v1::CreateGenerationRequest request;
  request.set_activation_policy(static_cast<v1::ActivationPolicy>(9));
  EXPECT_THAT(FromProto(request),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("CONFIG_INVALID"), HasField("activation_policy")));
}

TEST(GenerationConvertTest, RefusesIdsThatCanBeNone) {
  EXPECT_OK(CheckGenerationId("generation", "gen-000001"));
  EXPECT_OK(CheckGenerationId("generation", std::string(128, 'g')));
  for (const std::string& id : {std::string(), std::string(129, 'g'), std::string("gen\n1"), std::string("gen\0", 4)}) {
    EXPECT_THAT(CheckGenerationId("generation", id),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("INVALID_ID"), HasField("generation")));
  }
}

}  // namespace
}  // namespace semblance::service
