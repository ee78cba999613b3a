#include "service/generations/generation_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "service/generations/generation_states.h"

namespace semblance::service {
namespace {

absl::Status NoSuchGeneration(const std::string& id) {
  return WithFieldPrefix(Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_GENERATION_NOT_FOUND,
                               absl::StrCat("there is no generation \"", id, "\"")),
                         "generation");
}

absl::Status NotAllowed(const std::string& id, GenerationState from, GenerationState to) {
  return WithFieldPrefix(
      Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_NOT_READY,
            absl::StrCat("generation ", id, " is ", GenerationStateName(from), " and cannot become ", GenerationStateName(to))),
      "generation");
}

}  // namespace

void GenerationTable::Insert(GenerationInfo info) {
  const std::string id = info.manifest.id();
  table_.Insert(id, std::move(info));
}

absl::Status GenerationTable::Transition(const std::string& id, GenerationState to, const std::string& reason) {
  absl::Status status = NoSuchGeneration(id);
  table_.UpdateIf(id, [&](GenerationInfo& info) {
    if (!IsAllowed(kGenerationTransitions, info.state, to)) {
      status = NotAllowed(id, info.state, to);
      return false;
    }
    LOG(INFO) << "generation " << id << ": " << GenerationStateName(to) << (reason.empty() ? "" : ": ") << reason;
    info.state = to;
    info.reason = reason;
    info.state_time = clock_->Now();
    info.progress.reset();
    status = absl::OkStatus();
    return true;
  });
  return status;
}

void GenerationTable::TransitionOrLog(const std::string& id, GenerationState to, const std::string& reason) {
  if (const absl::Status status = Transition(id, to, reason); !status.ok()) {
    LOG(ERROR) << status.message() << " (" << reason << ")";
  }
}

void GenerationTable::Explain(const std::string& id, GenerationState in_state, const std::string& reason) {
  table_.UpdateIf(id, [&](GenerationInfo& info) {
    if (info.state != in_state || info.reason == reason) {
      return false;
    }
    LOG(INFO) << "generation " << id << ": " << GenerationStateName(in_state) << ": " << reason;
    info.reason = reason;
    return true;
  });
}

void GenerationTable::SetEvaluation(const std::string& id, const GenerationEvaluation& evaluation) {
  table_.Update(id, [&evaluation](GenerationInfo& info) { info.evaluation = evaluation; });
}

void GenerationTable::SetProgress(const std::string& id, int64_t done, int64_t total, const std::string& unit) {
  table_.Update(id, [&](GenerationInfo& info) {
    GenerationProgress progress{.done = done, .total = total, .unit = unit, .time_left = std::nullopt};
    if (done > 0 && total >= done) {
      const double share_left = static_cast<double>(total - done) / static_cast<double>(done);
      progress.time_left = (clock_->Now() - info.state_time) * share_left;
    }
    info.progress = progress;
  });
}

void GenerationTable::Touch(const std::string& id) {
  table_.Update(id, [](GenerationInfo&) {});
}

absl::StatusOr<GenerationInfo> GenerationTable::Find(const std::string& id) const {
  std::optional<GenerationInfo> info = table_.Find(id);
  return info.has_value() ? absl::StatusOr<GenerationInfo>(*std::move(info)) : NoSuchGeneration(id);
}

absl::StatusOr<int64_t> GenerationTable::AddObserver(const std::string& id, Observer observer) {
  const std::optional<int64_t> token = table_.AddObserver(id, std::move(observer));
  return token.has_value() ? absl::StatusOr<int64_t>(*token) : NoSuchGeneration(id);
}

}  // namespace semblance::service
