// The path of a write. Its order makes the write safe. First the items are embedded, so that nothing is stored that cannot be
// found. Then they are committed to the catalog, which makes them durable, and applied to the index, which makes them visible. Then
// the write is answered.
//
// Thread-safe. The catalog calls back in commit order, so the index sees the order of the change log. The steps of UpsertRequestRun
// are its methods, in their order: Decode, OnEmbedded, Commit, OnCommitted. Those of DeleteRequestRun are Commit and OnCommitted.
//
// Commits pass the write gate, which an activation closes. A write that was embedded in one generation may find another one behind
// the gate. It is then embedded again.
#ifndef SEMBLANCE_SERVICE_ENGINE_WRITE_PATH_H_
#define SEMBLANCE_SERVICE_ENGINE_WRITE_PATH_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "catalog/catalog.h"
#include "service/admission/stage_time.h"
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

  // Returns OK when writes are taken, with or without a generation.
  absl::Status CheckWritable() const;

  // Applies one committed write to the index, on the catalog's writer thread. When an index fails to take one, the engine becomes
  // read-only, because no later write may be applied after the gap.
  absl::Status ApplyToIndex(absl::FunctionRef<absl::Status()> apply);

  const RequestEnvironment* const environment_;
  // From the way into the catalog until the disk has the write.
  StageTime commits_;
  std::atomic<bool> read_only_ = false;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_WRITE_PATH_H_
