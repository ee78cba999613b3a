// The way of a write. Its order is what makes a write safe: embed (nothing is stored that cannot be found), commit to the catalog
// (durable), apply to the index (visible), answer.
//
// Thread-safe. The catalog calls back in commit order, so the index sees the order of the change log. The steps are the methods of
// UpsertRequestRun, in their order: Decode, OnEmbedded, Commit, OnCommitted; and of DeleteRequestRun: Commit, OnCommitted.
//
// Commits pass the write gate. An activation closes it, so a write that was embedded in the generation that was active before finds
// another one behind the gate, and is embedded again.
#ifndef SEMBLANCE_SERVICE_ENGINE_WRITE_PATH_H_
#define SEMBLANCE_SERVICE_ENGINE_WRITE_PATH_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "catalog/catalog.h"
#include "service/engine/request_environment.h"
#include "service/engine/types.h"

namespace semblance::service {

class WritePath {
 public:
  // `environment` must outlive the writes.
  explicit WritePath(const RequestEnvironment* environment) : environment_(environment) {}

  // See Engine::Upsert and Engine::Delete.
  void Upsert(std::vector<catalog::ItemWrite> items, const CallContext& context, const Callback<WriteAnswer>& done);
  void Delete(std::vector<std::string> ids, const CallContext& context, const Callback<WriteAnswer>& done);

 private:
  class UpsertRequestRun;
  class DeleteRequestRun;

  // OK where writes are taken, with or without a generation.
  absl::Status CheckWritable() const;

  // Applies one committed write to the index, on the catalog's writer thread. When an index fails to take one, the engine becomes
  // read-only, because no later write may be applied after the gap.
  absl::Status ApplyToIndex(absl::FunctionRef<absl::Status()> apply);

  const RequestEnvironment* const environment_;
  std::atomic<bool> read_only_ = false;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_WRITE_PATH_H_
