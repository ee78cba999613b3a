#include "service/rpc/training_convert.h"

#include <cctype>
#include <limits>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;

TrainingInfo FullInfo() {
  TrainingInfo info;
  info.id = "job-000012";
  info.config.set_model_name("shoes");
  info.from_catalog = true;
  info.on_success = OnSuccess::kActivateIfBetter;
  info.replicas = 2;
  info.state = TrainingState::kRunning;
  info.reason = "attempt 2 of 4";
  info.create_time = absl::FromUnixSeconds(1'700'000'000);
  info.state_time = absl::FromUnixSeconds(1'700'000'001);
  info.progress.set_step(5);
  info.progress.set_total_steps(10);
  info.progress.set_epoch(1);
  info.progress.set_total_epochs(3);
  info.progress.set_loss(0.5);
  info.progress.set_recall_at_1(0.75);
  info.progress.set_images_per_second(120);
  info.progress.set_seconds_left(4.5);
  info.progress.set_activity("training");
  info.attempt = 2;
  info.model = "shoes/3";
  info.generation = "gen-000002";
  return info;
}

TEST(TrainingConvertTest, EveryFieldOfAJobArrives) {
  v1::TrainingJob proto;
  ToProto(FullInfo(), &proto);
  EXPECT_EQ(proto.id(), "job-000012");
  EXPECT_EQ(proto.state(), v1::TRAINING_JOB_STATE_RUNNING);
  EXPECT_EQ(proto.state_reason(), "attempt 2 of 4");
  EXPECT_EQ(proto.create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(proto.state_time().seconds(), 1'700'000'001);
  EXPECT_EQ(proto.config().model_name(), "shoes");
  EXPECT_TRUE(proto.from_catalog());
  EXPECT_EQ(proto.on_success(), v1::ON_SUCCESS_ACTIVATE_IF_BETTER);
  EXPECT_EQ(proto.replicas(), 2);
  EXPECT_EQ(proto.attempt(), 2);
  EXPECT_EQ(proto.model(), "shoes/3");
  EXPECT_EQ(proto.generation(), "gen-000002");
}

TEST(TrainingConvertTest, EveryFieldOfProgressArrives) {
  v1::TrainingJob proto;
  ToProto(FullInfo(), &proto);
  const v1::TrainingProgress& progress = proto.progress();
  EXPECT_EQ(progress.step(), 5);
  EXPECT_EQ(progress.total_steps(), 10);
  EXPECT_EQ(progress.epoch(), 1);
  EXPECT_EQ(progress.total_epochs(), 3);
  EXPECT_EQ(progress.loss(), 0.5);
  EXPECT_EQ(progress.recall_at_1(), 0.75);
  EXPECT_EQ(progress.images_per_second(), 120);
  EXPECT_EQ(progress.time_left().seconds(), 4);
  EXPECT_EQ(progress.time_left().nanos(), 500'000'000);
  EXPECT_EQ(progress.activity(), "training");
}

TEST(TrainingConvertTest, WhatIsNotKnownIsAbsent) {
  TrainingInfo info;
  v1::TrainingJob proto;
  ToProto(info, &proto);
  EXPECT_FALSE(proto.has_progress());
  info.progress.set_activity("reading the data");
  ToProto(info, &proto);
  EXPECT_TRUE(proto.has_progress());
  EXPECT_FALSE(proto.progress().has_loss());
  EXPECT_FALSE(proto.progress().has_recall_at_1());
  EXPECT_FALSE(proto.progress().has_time_left());
  info.progress.set_seconds_left(std::numeric_limits<double>::infinity());
  ToProto(info, &proto);
  EXPECT_FALSE(proto.progress().has_time_left());
}

TEST(TrainingConvertTest, EveryStateHasItsCounterpartByName) {
  const auto* states = v1::TrainingJobState_descriptor();
  for (int state = 0; state <= static_cast<int>(TrainingState::kCancelled); ++state) {
    TrainingInfo info;
    info.state = static_cast<TrainingState>(state);
    v1::TrainingJob proto;
    ToProto(info, &proto);
    std::string name(TrainingStateName(info.state));
    for (char& c : name) {
      c = static_cast<char>(std::toupper(c));
    }
    EXPECT_EQ(states->FindValueByNumber(proto.state())->name(), "TRAINING_JOB_STATE_" + name);
  }
}

TEST(TrainingConvertTest, ARequestIsReadWhole) {
  v1::CreateTrainingJobRequest request;
  request.mutable_config()->set_model_name("shoes");
  request.set_from_catalog(true);
  request.set_replicas(64);
  request.set_recall_tolerance(1);
  request.set_index_factory("Flat");
  request.set_request_id(std::string(128, 'r'));
  for (const auto& [proto, value] : {std::pair(v1::ON_SUCCESS_UNSPECIFIED, OnSuccess::kNothing),
                                     {v1::ON_SUCCESS_NOTHING, OnSuccess::kNothing},
                                     {v1::ON_SUCCESS_REGISTER, OnSuccess::kRegister},
                                     {v1::ON_SUCCESS_BUILD, OnSuccess::kBuild},
                                     {v1::ON_SUCCESS_ACTIVATE_IF_BETTER, OnSuccess::kActivateIfBetter}}) {
    request.set_on_success(proto);
    ASSERT_OK_AND_ASSIGN(const TrainingSpec spec, FromProto(request));
    EXPECT_EQ(spec.config.model_name(), "shoes");
    EXPECT_TRUE(spec.from_catalog);
    EXPECT_EQ(spec.on_success, value);
    EXPECT_EQ(spec.replicas, 64);
    EXPECT_EQ(spec.recall_tolerance, 1);
    EXPECT_EQ(spec.index_factory, "Flat");
    EXPECT_EQ(spec.request_id, request.request_id());
  }
}

TEST(TrainingConvertTest, RefusesToDoOnSuccessWhatItDoesNotKnow) {
  v1::CreateTrainingJobRequest request;
  request.set_on_success(static_cast<v1::OnSuccess>(9));
  EXPECT_THAT(FromProto(request),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("CONFIG_INVALID"), HasField("on_success")));
}

TEST(TrainingConvertTest, RefusesIdsThatCanBeNone) {
  EXPECT_OK(CheckTrainingJobId("job", "job-000001"));
  for (const std::string& id :
       {std::string(), std::string("job-"), std::string("job-1"), std::string("job-0000001"), std::string("gen-000001"),
        std::string("job-00000x"), std::string("../job-000001"), std::string("job-00000\n"), std::string(1000, 'j')}) {
    EXPECT_THAT(CheckTrainingJobId("job", id),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("INVALID_ID"), HasField("job")));
  }
}

TEST(TrainingConvertTest, LinesOfALogAreFitToBeShown) {
  google::protobuf::RepeatedPtrField<std::string> lines;
  ToProto(LogLines{.lines = {"a\tb", "caf\xc3\xa9", "bad \xff", "\x1b[2J", std::string(9000, 'x')}, .next_offset = 0}, &lines);
  EXPECT_THAT(lines, ElementsAre("a\tb", "caf\xc3\xa9", "bad ?", "?[2J", std::string(8192, 'x')));
}

}  // namespace
}  // namespace semblance::service
