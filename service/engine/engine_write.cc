// Writing. The order is what makes a write safe: embed (so that nothing is stored that cannot be found), commit to the catalog
// (durable), apply to the index (visible), answer. The catalog calls back in commit order, so the index sees the change log's
// order.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "service/engine/engine_jobs.h"
#include "service/engine/limits.h"

namespace semblance::service {

void Engine::Upsert(std::vector<catalog::ItemWrite> items, const CallContext& context, const Callback<WriteAnswer>& done) {
  if (const absl::Status status = CheckWritable(); !status.ok()) {
    return done(status);
  }
  absl::StatusOr<GenerationPtr> generation = Admit();
  const absl::Status status = CheckUpsert(items, options_.config.limits());
  if (!generation.ok() || !status.ok()) {
    return done(generation.ok() ? status : generation.status());
  }
  auto job = std::make_shared<UpsertJob>();
  job->generation = *std::move(generation);
  job->context = context;
  job->items = std::move(items);
  job->done = done;
  Submit(
      *bulk_workers_, context, [this, job] { RunUpsert(job); }, done);
}

void Engine::RunUpsert(const std::shared_ptr<UpsertJob>& job) {
  job->latency.queue = absl::Now() - job->context.start;
  std::vector<EncodedImage> encoded;
  for (size_t i = 0; i < job->items.size(); ++i) {
    encoded.push_back({.bytes = job->items[i].image, .field = absl::StrCat("items[", i, "].image")});
  }
  absl::StatusOr<std::vector<embedder::Image>> images =
      DecodeAll(encoded, job->generation->embedder().preprocessor(), decode_limits_, job->latency);
  if (!images.ok()) {
    return job->done(images.status());
  }
  job->generation->batcher().Embed(
      *std::move(images), embedder::Priority::kBulk, job->context.deadline, job->context.cancelled,
      [this, job](absl::StatusOr<embedder::EmbedResult> result) {
        if (!result.ok()) {
          return job->done(result.status());
        }
        job->vectors = std::move(result->vectors);
        job->latency.queue += result->queue;
        job->latency.infer = result->infer;
        // Off the batcher's thread, which has the next batch to run.
        bulk_workers_->Schedule([this, job] { live_.gate().Enter([this, job] { CommitUpsert(job); }); });
      });
}

void Engine::CommitUpsert(const std::shared_ptr<UpsertJob>& job) {
  // Only whoever holds the gate changes it.
  GenerationPtr active = live_.active();
  if (job->generation != active) {
    live_.gate().Leave();
    job->generation = std::move(active);
    bulk_workers_->Schedule([this, job] { RunUpsert(job); });
    return;
  }
  catalog_->Upsert(std::move(job->items), [this, job](absl::StatusOr<catalog::WriteResult> write) {
    FinishUpsert(*job, std::move(write));
    live_.gate().Leave();
  });
}

void Engine::FinishUpsert(UpsertJob& job, absl::StatusOr<catalog::WriteResult> write) {
  if (!write.ok()) {
    return job.done(write.status());
  }
  if (const absl::Status status = Apply([&] { return job.generation->ApplyUpsert(*write, job.vectors); }); !status.ok()) {
    return job.done(status);
  }
  live_.NotifyWrite();
  WriteAnswer answer;
  for (const catalog::Change& change : write->changes) {
    answer.sequences.push_back(change.sequence);
  }
  answer.provenance = job.generation->ProvenanceAt(job.generation->index().applied_sequence());
  answer.latency = job.latency;
  answer.latency.total = absl::Now() - job.context.start;
  if (options_.metrics != nullptr) {
    options_.metrics->ObserveStages(answer.latency);
  }
  job.done(std::move(answer));
}

void Engine::Delete(std::vector<std::string> ids, const CallContext& context, const Callback<WriteAnswer>& done) {
  absl::Status status = CheckWritable();
  if (status.ok()) {
    status = CheckIds(ids, options_.config.limits());
  }
  if (!status.ok()) {
    return done(status);
  }
  live_.gate().Enter([this, ids = std::move(ids), context, done] {
    // Without a generation the catalog alone takes the delete; a generation made later starts from the catalog.
    const GenerationPtr generation = live_.active();
    catalog_->Delete(ids, [this, generation, context, done](absl::StatusOr<catalog::WriteResult> write) {
      FinishDelete(generation, context, std::move(write), done);
      live_.gate().Leave();
    });
  });
}

void Engine::FinishDelete(const GenerationPtr& generation, const CallContext& context, absl::StatusOr<catalog::WriteResult> write,
                          const Callback<WriteAnswer>& done) {
  if (!write.ok()) {
    return done(write.status());
  }
  WriteAnswer answer;
  answer.provenance.applied_sequence = write->last_sequence;
  if (generation != nullptr) {
    if (const absl::Status status = Apply([&] { return generation->ApplyDelete(*write); }); !status.ok()) {
      return done(status);
    }
    answer.provenance = generation->ProvenanceAt(generation->index().applied_sequence());
  }
  live_.NotifyWrite();
  answer.deleted_count = static_cast<int64_t>(write->changes.size());
  answer.missing_ids = std::move(write->missing_ids);
  answer.latency.total = absl::Now() - context.start;
  done(std::move(answer));
}

absl::Status Engine::Apply(const std::function<absl::Status()>& apply) {
  absl::Status status = absl::OkStatus();
  if (!read_only_) {
    status = apply();
    if (status.ok()) {
      return status;
    }
    read_only_ = true;
    LOG(ERROR) << "the index did not take a committed write; the server is read-only until it is restarted: " << status;
  }
  return Error(
      absl::StatusCode::kUnavailable, v1::ERROR_REASON_READ_ONLY,
      absl::StrCat("the write is stored, and searchable after a restart of the server", status.ok() ? "" : ": ", status.message()));
}

}  // namespace semblance::service
