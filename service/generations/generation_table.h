// All generations and their states. Every change of a generation's state goes through this class.
//
// Thread-safe. The clock must outlive it. Observers are called on the thread that made the change, one change at a time; they must
// be quick and must not call the table.
//
// A generation is changed by the building worker, by commands, by the thread that follows the change log and by the reaper. Where
// two of them meet, kGenerationTransitions decides: the first change wins, and the second is refused if it does not follow from the
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

  // `complete` fills in what is measured whenever a generation is read (applied sequence, traffic). It must not call the table.
  GenerationTable(std::function<void(GenerationInfo&)> complete, const Clock* clock) : table_(std::move(complete)), clock_(clock) {}

  // Adds a generation in the state that it has.
  void Insert(GenerationInfo info);
  void Erase(const std::string& id) { table_.Erase(id); }

  // Moves a generation to a state. The progress of the state before is dropped. Errors: FailedPrecondition/GENERATION_NOT_READY
  // when kGenerationTransitions does not list the change; then nothing has changed.
  absl::Status Transition(const std::string& id, GenerationState to, const std::string& reason);

  // The same for a change that is right in every case that is known. A refusal is logged.
  void TransitionOrLog(const std::string& id, GenerationState to, const std::string& reason);

  // Says more about a generation, as long as it is in the state. Does nothing when it has left the state.
  void Explain(const std::string& id, GenerationState in_state, const std::string& reason);
  void SetEvaluation(const std::string& id, const GenerationEvaluation& evaluation);
  // Also estimates the time left, by the rate since the state began.
  void SetProgress(const std::string& id, int64_t done, int64_t total, const std::string& unit);
  // Tells observers to look again, because something that `complete` measures has changed.
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
