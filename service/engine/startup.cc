#include "service/engine/startup.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "embedder/bundle/bundle.h"

namespace semblance::service {
namespace {

// A generation whose state.json cannot be read is damaged like any other.
absl::StatusOr<storage::v1::GenerationManifest> ReadUndamaged(const generation::GenerationStore& store, const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(store.ReadRecord(id).status());
  return store.ReadManifest(id);
}

}  // namespace

Startup::Startup(generation::GenerationStore* store, const catalog::Catalog* catalog, GenerationLoaderOptions loader)
    : store_(store), catalog_(catalog), loader_(std::move(loader)) {}

absl::StatusOr<Startup::Result> Startup::Load(const std::string& model_dir) {
  absl::StatusOr<Result> result = LoadChosen(model_dir);
  if (!result.ok() && !absl::IsCancelled(result.status()) && model_dir.empty()) {
    return LoadPrevious(result.status());
  }
  return result;
}

absl::StatusOr<Startup::Result> Startup::LoadChosen(const std::string& model_dir) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::GenerationManifest> chosen, Choose(model_dir));
  if (!chosen.has_value()) {
    return Result();
  }
  Result result;
  SEMBLANCE_ASSIGN_OR_RETURN(result.generation, LoadGeneration(*store_, *chosen, *catalog_, loader_));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::ActiveGeneration> before, store_->ReadActive());
  if (!before.has_value() || before->generation() != chosen->id()) {
    // The choice is durable before the server answers. Otherwise a restart could fall back behind an answer that was given.
    SEMBLANCE_RETURN_IF_ERROR(store_->WriteActive(chosen->id(), before.has_value() ? before->generation() : ""));
  }
  return result;
}

absl::StatusOr<Startup::Result> Startup::LoadPrevious(const absl::Status& error) {
  const absl::StatusOr<std::optional<storage::v1::ActiveGeneration>> pointer = store_->ReadActive();
  if (!pointer.ok() || !pointer->has_value() || (*pointer)->previous().empty()) {
    return error;
  }
  const std::string& active = (*pointer)->generation();
  const std::string& previous = (*pointer)->previous();
  LOG(ERROR) << "generation " << active << " cannot be loaded, falling back to " << previous << ": " << error;
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::GenerationManifest manifest, ReadUndamaged(*store_, previous));
  Result result;
  SEMBLANCE_ASSIGN_OR_RETURN(result.generation, LoadGeneration(*store_, manifest, *catalog_, loader_));
  result.degraded_reason =
      absl::StrCat("generation ", previous, " answers in place of ", active, ", which cannot be loaded: ", error.ToString());
  return result;
}

absl::StatusOr<std::optional<storage::v1::GenerationManifest>> Startup::Choose(const std::string& model_dir) {
  if (model_dir.empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::ActiveGeneration> active, store_->ReadActive());
    if (!active.has_value() || active->generation().empty()) {
      return std::optional<storage::v1::GenerationManifest>();
    }
    SEMBLANCE_ASSIGN_OR_RETURN(storage::v1::GenerationManifest manifest, ReadUndamaged(*store_, active->generation()));
    return std::optional(std::move(manifest));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, embedder::ReadBundleManifest(model_dir));
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<storage::v1::GenerationManifest> existing,
                             store_->FindBySpace(bundle.embedding_space_id()));
  if (existing.has_value()) {
    return existing;
  }
  storage::v1::GenerationRecord record;
  record.set_phase(storage::v1::GenerationRecord::PHASE_READY);
  record.set_was_active(true);
  SEMBLANCE_ASSIGN_OR_RETURN(storage::v1::GenerationManifest created, store_->Create(model_dir, {}, record));
  LOG(INFO) << "created generation " << created.id() << " from " << model_dir;
  return std::optional(std::move(created));
}

}  // namespace semblance::service
