#include "service/rpc/training_convert.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/text_proto.h"
#include "service/rpc/convert.h"

namespace semblance::service {
namespace {

constexpr size_t kMaxLineBytes = 8 << 10;
constexpr absl::string_view kIdPrefix = "job-";
constexpr size_t kIdDigits = 6;

absl::StatusOr<OnSuccess> OnSuccessOf(v1::OnSuccess on_success) {
  switch (on_success) {
    case v1::ON_SUCCESS_UNSPECIFIED:
    case v1::ON_SUCCESS_NOTHING:
      return OnSuccess::kNothing;
    case v1::ON_SUCCESS_REGISTER:
      return OnSuccess::kRegister;
    case v1::ON_SUCCESS_BUILD:
      return OnSuccess::kBuild;
    case v1::ON_SUCCESS_ACTIVATE_IF_BETTER:
      return OnSuccess::kActivateIfBetter;
    default:
      break;
  }
  return InvalidField("on_success", v1::ERROR_REASON_CONFIG_INVALID,
                      absl::StrCat("on_success is ", static_cast<int>(on_success), ", which this server does not know"));
}

v1::OnSuccess OnSuccessToProto(OnSuccess on_success) {
  switch (on_success) {
    case OnSuccess::kNothing:
      return v1::ON_SUCCESS_NOTHING;
    case OnSuccess::kRegister:
      return v1::ON_SUCCESS_REGISTER;
    case OnSuccess::kBuild:
      return v1::ON_SUCCESS_BUILD;
    case OnSuccess::kActivateIfBetter:
      return v1::ON_SUCCESS_ACTIVATE_IF_BETTER;
  }
  return v1::ON_SUCCESS_UNSPECIFIED;
}

v1::TrainingJobState StateToProto(TrainingState state) {
  switch (state) {
    case TrainingState::kQueued:
      return v1::TRAINING_JOB_STATE_QUEUED;
    case TrainingState::kRunning:
      return v1::TRAINING_JOB_STATE_RUNNING;
    case TrainingState::kPublishing:
      return v1::TRAINING_JOB_STATE_PUBLISHING;
    case TrainingState::kSucceeded:
      return v1::TRAINING_JOB_STATE_SUCCEEDED;
    case TrainingState::kFailed:
      return v1::TRAINING_JOB_STATE_FAILED;
    case TrainingState::kCancelling:
      return v1::TRAINING_JOB_STATE_CANCELLING;
    case TrainingState::kCancelled:
      return v1::TRAINING_JOB_STATE_CANCELLED;
  }
  return v1::TRAINING_JOB_STATE_UNSPECIFIED;
}

void DescribeProgress(const storage::v1::TrainerProgress& progress, v1::TrainingProgress* proto) {
  proto->set_step(progress.step());
  proto->set_total_steps(progress.total_steps());
  proto->set_epoch(progress.epoch());
  proto->set_total_epochs(progress.total_epochs());
  if (progress.has_loss()) {
    proto->set_loss(progress.loss());
  }
  if (progress.has_recall_at_1()) {
    proto->set_recall_at_1(progress.recall_at_1());
  }
  proto->set_images_per_second(progress.images_per_second());
  if (progress.has_seconds_left() && std::isfinite(progress.seconds_left())) {
    ToProto(absl::Seconds(std::max(progress.seconds_left(), 0.0)), proto->mutable_time_left());
  }
  proto->set_activity(progress.activity());
}

std::string Presentable(absl::string_view line) {
  std::string text(line.substr(0, kMaxLineBytes));
  const bool is_utf8 = IsUtf8(text);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((absl::ascii_iscntrl(byte) && c != '\t') || (byte >= 0x80 && !is_utf8)) {
      c = '?';
    }
  }
  return text;
}

}  // namespace

absl::StatusOr<TrainingSpec> FromProto(const v1::CreateTrainingJobRequest& request) {
  TrainingSpec spec;
  spec.config = request.config();
  spec.from_catalog = request.from_catalog();
  SEMBLANCE_ASSIGN_OR_RETURN(spec.on_success, OnSuccessOf(request.on_success()));
  spec.replicas = request.replicas();
  spec.recall_tolerance = request.recall_tolerance();
  spec.index_factory = request.index_factory();
  spec.request_id = request.request_id();
  return spec;
}

absl::Status CheckTrainingJobId(absl::string_view field, absl::string_view id) {
  const absl::string_view digits = absl::StartsWith(id, kIdPrefix) ? id.substr(kIdPrefix.size()) : absl::string_view();
  if (digits.size() == kIdDigits && std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
    return absl::OkStatus();
  }
  return InvalidField(
      field, v1::ERROR_REASON_INVALID_ID,
      absl::StrCat(field, " is \"", Presentable(id.substr(0, 64)), "\"; it must be the id of a training job, such as job-000001"));
}

void ToProto(const TrainingInfo& info, v1::TrainingJob* proto) {
  proto->set_id(info.id);
  proto->set_state(StateToProto(info.state));
  proto->set_state_reason(info.reason);
  ToProto(info.create_time, proto->mutable_create_time());
  ToProto(info.state_time, proto->mutable_state_time());
  *proto->mutable_config() = info.config;
  proto->set_from_catalog(info.from_catalog);
  proto->set_on_success(OnSuccessToProto(info.on_success));
  proto->set_replicas(info.replicas);
  if (info.progress.ByteSizeLong() > 0) {
    DescribeProgress(info.progress, proto->mutable_progress());
  }
  proto->set_attempt(info.attempt);
  proto->set_model(info.model);
  proto->set_generation(info.generation);
}

void ToProto(const LogLines& log, google::protobuf::RepeatedPtrField<std::string>* lines) {
  for (const std::string& line : log.lines) {
    *lines->Add() = Presentable(line);
  }
}

}  // namespace semblance::service
