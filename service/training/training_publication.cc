#include "service/training/training_publication.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "embedder/bundle/bundle.h"
#include "service/models/model_path.h"
#include "service/training/training_info.h"

namespace semblance::service {
namespace {

using storage::v1::JobManifest;
using storage::v1::JobRecord;

// How long to wait before a build that was refused, because another one runs, is asked for again.
constexpr absl::Duration kBuildRetry = absl::Milliseconds(200);

bool IsSameBundle(const std::string& left, const std::string& right) {
  const absl::StatusOr<std::string> one = ReadFile(absl::StrCat(left, "/", embedder::kBundleManifestFile));
  const absl::StatusOr<std::string> other = ReadFile(absl::StrCat(right, "/", embedder::kBundleManifestFile));
  return one.ok() && other.ok() && *one == *other;
}

// The next version of a model, as "shoes/4". No directory and no registered model has that name.
std::string NextVersion(const ModelRegistry& models, const std::string& name) {
  int version = GreatestVersionDirectory(models.root(), name);
  if (const absl::StatusOr<std::vector<ModelInfo>> known = models.List(name); known.ok()) {
    for (const ModelInfo& model : *known) {
      version = std::max(version, model.version);
    }
  }
  return absl::StrCat(name, "/", version + 1);
}

// Says in words what became of a generation.
std::string OutcomeOf(const GenerationInfo& info) {
  const std::string outcome = absl::StrCat(info.manifest.id(), " is ", GenerationStateName(info.state));
  return info.reason.empty() ? outcome : absl::StrCat(outcome, ": ", info.reason);
}

// The changes of a generation, for a thread that waits for them.
class GenerationWatch {
 public:
  GenerationWatch(GenerationController* generations, const std::string& id)
      : generations_(generations), token_(generations->AddObserver(id, [this](const auto& info) { Keep(info); })) {}
  ~GenerationWatch() {
    if (token_.ok()) {
      generations_->RemoveObserver(*token_);
    }
  }
  GenerationWatch(const GenerationWatch&) = delete;
  GenerationWatch& operator=(const GenerationWatch&) = delete;

  // An error where there is no such generation.
  absl::Status status() const { return token_.status(); }

  // Waits until there is something new, and returns the generation as it is then; nullopt when it is gone. Errors: Cancelled.
  absl::StatusOr<std::optional<GenerationInfo>> Next(const TaskStop& stop) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, stop.token(), [this]() SEMBLANCE_REQUIRES(mutex_) { return is_new_; });
    SEMBLANCE_RETURN_IF_ERROR(stop.Check());
    is_new_ = false;
    return last_;
  }

 private:
  void Keep(const std::optional<GenerationInfo>& info) {
    {
      MutexLock lock(&mutex_);
      last_ = info;
      is_new_ = true;
    }
    changed_.NotifyAll();
  }

  GenerationController* const generations_;
  Mutex mutex_;
  Condition changed_;
  bool is_new_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::optional<GenerationInfo> last_ SEMBLANCE_GUARDED_BY(mutex_);
  // Last, because the observer is called before AddObserver returns.
  const absl::StatusOr<int64_t> token_;
};

}  // namespace

absl::Status TrainingPublication::Register(const JobManifest& manifest, const std::string& bundle_dir, JobRecord& record,
                                           const PublicationHooks& hooks) const {
  const auto directory = [&] { return absl::StrCat(models_->root(), "/", record.model()); };
  // The name is recorded before the directory exists, so that a publication that is interrupted while it copies does not copy to
  // another name later.
  if (record.model().empty() || (PathExists(directory()) && !IsSameBundle(directory(), bundle_dir))) {
    record.set_model(NextVersion(*models_, manifest.model_name()));
    SEMBLANCE_RETURN_IF_ERROR(hooks.write(record));
  }
  if (!PathExists(directory())) {
    SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(absl::StrCat(models_->root(), "/", manifest.model_name())));
    SEMBLANCE_RETURN_IF_ERROR(embedder::CopyBundle(bundle_dir, directory()));
  }
  return models_->Register(record.model()).status();
}

absl::Status TrainingPublication::Build(const JobManifest& manifest, JobRecord& record, const PublicationHooks& hooks) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const ModelBundle model, models_->Resolve(record.model()));
  GenerationSpec spec;
  spec.bundle_dir = model.bundle_dir;
  spec.model_version = model.model.version;
  spec.index_factory = manifest.index_factory();
  spec.request_id = absl::StrCat("training/", manifest.id(), "/", record.model(), "/", record.resume_count());
  if (OnSuccessOf(manifest.on_success()) == OnSuccess::kActivateIfBetter) {
    spec.policy = ActivationPolicy::kIfBetter;
    spec.recall_tolerance = manifest.recall_tolerance();
  }
  while (true) {
    const absl::StatusOr<GenerationInfo> created = generations_->Create(spec);
    if (created.ok()) {
      record.set_generation(created->manifest.id());
      return hooks.write(record);
    }
    if (ReasonOf(created.status()) != v1::ERROR_REASON_BUILD_RUNNING) {
      return created.status();
    }
    hooks.report(absl::StrCat(record.model(), " is registered; another generation is being built"));
    clock_->WaitUntil(clock_->Now() + kBuildRetry, hooks.stop->token());
    SEMBLANCE_RETURN_IF_ERROR(hooks.stop->Check());
  }
}

absl::StatusOr<GenerationInfo> TrainingPublication::AwaitRest(const std::string& generation, const PublicationHooks& hooks) const {
  GenerationWatch watch(generations_, generation);
  SEMBLANCE_RETURN_IF_ERROR(watch.status());
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<GenerationInfo> info, watch.Next(*hooks.stop));
    if (!info.has_value()) {
      return absl::FailedPreconditionError(absl::StrCat(generation, " was deleted"));
    }
    if (IsAtRest(*info)) {
      return *info;
    }
    hooks.report(absl::StrCat(generation, " is ", GenerationStateName(info->state)));
  }
}

absl::StatusOr<std::string> TrainingPublication::Publish(const JobManifest& manifest, const std::string& bundle_dir,
                                                         JobRecord& record, const PublicationHooks& hooks) const {
  const OnSuccess on_success = OnSuccessOf(manifest.on_success());
  if (on_success == OnSuccess::kNothing) {
    return std::string("its bundle is in the job's directory");
  }
  hooks.report("its bundle is registered");
  SEMBLANCE_RETURN_IF_ERROR(Register(manifest, bundle_dir, record, hooks));
  if (on_success == OnSuccess::kRegister) {
    return absl::StrCat("registered as ", record.model());
  }
  if (record.generation().empty()) {
    SEMBLANCE_RETURN_IF_ERROR(Build(manifest, record, hooks));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, AwaitRest(record.generation(), hooks));
  if (info.state == GenerationState::kFailed || info.state == GenerationState::kCancelled) {
    return absl::FailedPreconditionError(OutcomeOf(info));
  }
  return OutcomeOf(info);
}

void TrainingPublication::Cancel(const JobRecord& record) const {
  if (!record.generation().empty()) {
    // An error is no matter: the generation may be complete by now, or gone.
    generations_->Cancel(record.generation()).IgnoreError();
  }
}

}  // namespace semblance::service
