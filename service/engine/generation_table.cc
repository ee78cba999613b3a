#include "service/engine/generation_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance {

void GenerationTable::Insert(GenerationInfo info) {
  const std::string id = info.manifest.id();
  {
    MutexLock lock(&mutex_);
    generations_[id] = std::move(info);
  }
  Tell(id);
}

void GenerationTable::Update(const std::string& id, const std::function<void(GenerationInfo&)>& change) {
  {
    MutexLock lock(&mutex_);
    const auto found = generations_.find(id);
    if (found == generations_.end()) {
      return;
    }
    change(found->second);
  }
  Tell(id);
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

void GenerationTable::Erase(const std::string& id) {
  {
    MutexLock lock(&mutex_);
    generations_.erase(id);
  }
  Tell(id);
}

absl::StatusOr<GenerationInfo> GenerationTable::Find(const std::string& id) const {
  GenerationInfo info;
  {
    MutexLock lock(&mutex_);
    const auto found = generations_.find(id);
    if (found == generations_.end()) {
      return WithFieldPrefix(
          Error(absl::StatusCode::kNotFound, "GENERATION_NOT_FOUND", absl::StrCat("there is no generation \"", id, "\"")),
          "generation");
    }
    info = found->second;
  }
  complete_(info);
  return info;
}

std::vector<GenerationInfo> GenerationTable::List() const {
  std::vector<GenerationInfo> list;
  {
    MutexLock lock(&mutex_);
    for (auto each = generations_.rbegin(); each != generations_.rend(); ++each) {
      list.push_back(each->second);
    }
  }
  for (GenerationInfo& info : list) {
    complete_(info);
  }
  return list;
}

absl::StatusOr<int64_t> GenerationTable::AddObserver(const std::string& id, Observer observer) {
  MutexLock lock(&observers_mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo now, Find(id));
  observer(now);
  const int64_t token = next_token_++;
  observers_[token] = {.id = id, .observer = std::move(observer)};
  return token;
}

void GenerationTable::RemoveObserver(int64_t token) {
  MutexLock lock(&observers_mutex_);
  observers_.erase(token);
}

void GenerationTable::Tell(const std::string& id) {
  MutexLock lock(&observers_mutex_);
  std::optional<GenerationInfo> now;
  bool known = false;
  for (const auto& [token, watch] : observers_) {
    if (watch.id != id) {
      continue;
    }
    if (!known) {
      absl::StatusOr<GenerationInfo> found = Find(id);
      now = found.ok() ? std::optional(*std::move(found)) : std::nullopt;
      known = true;
    }
    watch.observer(now);
  }
}

}  // namespace semblance
