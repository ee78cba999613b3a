// All generations and their states. Every change of a generation's state goes through this class.
//
// Thread-safe. The clock must outlive it. Observers are called on the thread that made the change, one change at a time. They must
// be quick and must not call the table.
//
// The building worker, commands, the thread that follows the change log, and the reaper change generations. When two of them change
// the same one, kGenerationTransitions decides: the first change is made, and the second is refused if it does not follow from the
// first.
//
// Errors: NotFound/GENERATION_NOT_FOUND.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_TABLE_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_TABLE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "service/generations/generation_controller.h"
#include "service/live/generation_info.h"
#include "service/tasks/observed_table.h"

namespace semblance::service {

class GenerationTable {
 public:
  using Observer = GenerationController::Observer;

  // `complete` fills in measured values (applied sequence, traffic) whenever a generation is read. It must not call the table.
  GenerationTable(std::function<void(GenerationInfo&)> complete, const Clock* clock) : table_(std::move(complete)), clock_(clock) {}

  // Adds a generation in the state that it has.
  void Insert(GenerationInfo info);
  void Erase(const std::string& id) { table_.Erase(id); }

  // Moves a generation to a state. The progress of the state before is dropped. Errors: FailedPrecondition/GENERATION_NOT_READY
  // when kGenerationTransitions does not list the change; then nothing has changed.
  absl::Status Transition(const std::string& id, GenerationState to, const std::string& reason);

  // The same, for a change that is right in every known case. A refusal is logged.
  void TransitionOrLog(const std::string& id, GenerationState to, const std::string& reason);

  // Updates the description of a generation while it is in the state. Does nothing when it has left the state.
  void Explain(const std::string& id, GenerationState in_state, const std::string& reason);
  void SetEvaluation(const std::string& id, const GenerationEvaluation& evaluation);
  // Also estimates the time left, by the rate since the state began.
  void SetProgress(const std::string& id, int64_t done, int64_t total, const std::string& unit);
  // Tells observers to look again, because a value that `complete` measures has changed.
  void Touch(const std::string& id);

  absl::StatusOr<GenerationInfo> Find(const std::string& id) const;
  // The newest first.
  std::vector<GenerationInfo> List() const { return table_.List(); }

  // See GenerationController.
  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer);
  void RemoveObserver(int64_t token) { table_.RemoveObserver(token); }

 private:
  ObservedTable<GenerationInfo> table_;
  const Clock* const clock_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_TABLE_H_
