#include "service/generations/generation_table.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"

namespace semblance::service {
namespace {

absl::Status NoSuchGeneration(const std::string& id) {
  return WithFieldPrefix(Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_GENERATION_NOT_FOUND,
                               absl::StrCat("there is no generation \"", id, "\"")),
                         "generation");
}

}  // namespace

void GenerationTable::Insert(GenerationInfo info) {
  const std::string id = info.manifest.id();
  table_.Insert(id, std::move(info));
}

void GenerationTable::SetState(const std::string& id, GenerationState state, const std::string& reason) {
  LOG(INFO) << "generation " << id << ": " << GenerationStateName(state) << (reason.empty() ? "" : ": ") << reason;
  Update(id, [&](GenerationInfo& info) {
    info.state = state;
    info.reason = reason;
    info.state_time = absl::Now();
    info.progress.reset();
  });
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
