// What is known of every generation, and who wants to know of its changes.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_TABLE_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_TABLE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "service/generations/generation_controller.h"
#include "service/live/generation_info.h"
#include "service/tasks/observed_table.h"

namespace semblance::service {

class GenerationTable {
 public:
  using Observer = GenerationController::Observer;

  // `complete` fills in what is measured at the moment of asking (applied sequence, traffic, ...). It must not call the table.
  explicit GenerationTable(std::function<void(GenerationInfo&)> complete) : table_(std::move(complete)) {}

  void Insert(GenerationInfo info);
  // Changes one that exists, and tells those who observe it; nothing for one that does not.
  void Update(const std::string& id, const std::function<void(GenerationInfo&)>& change) { table_.Update(id, change); }
  // A new state; progress is cleared.
  void SetState(const std::string& id, GenerationState state, const std::string& reason);
  void Erase(const std::string& id) { table_.Erase(id); }

  // Errors: NotFound/GENERATION_NOT_FOUND.
  absl::StatusOr<GenerationInfo> Find(const std::string& id) const;
  // The newest first.
  std::vector<GenerationInfo> List() const { return table_.List(); }

  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer);
  void RemoveObserver(int64_t token) { table_.RemoveObserver(token); }

 private:
  ObservedTable<GenerationInfo> table_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_TABLE_H_
