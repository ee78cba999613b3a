#include "service/engine/write_path.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "service/engine/limits.h"
#include "service/engine/request_images.h"

namespace semblance::service {
namespace {

std::vector<absl::string_view> ImagesOf(const std::vector<catalog::ItemWrite>& items) {
  std::vector<absl::string_view> images;
  images.reserve(items.size());
  for (const catalog::ItemWrite& item : items) {
    images.emplace_back(item.image);
  }
  return images;
}

// The memory that the items and the client's message take together.
int64_t SizeOf(const std::vector<catalog::ItemWrite>& items) {
  size_t bytes = 0;
  for (const catalog::ItemWrite& item : items) {
    bytes += sizeof(item) + item.id.size() + item.image.size() + item.label.value_or("").size();
    for (const auto& [key, value] : item.attributes) {
      const auto* text = std::get_if<std::string>(&value);
      bytes += sizeof(value) + key.size() + (text == nullptr ? 0 : text->size());
    }
  }
  return static_cast<int64_t>(2 * bytes);
}

int64_t SizeOf(const std::vector<std::string>& ids) {
  size_t bytes = 0;
  for (const std::string& id : ids) {
    bytes += sizeof(id) + id.size();
  }
  return static_cast<int64_t>(2 * bytes);
}

std::string FieldOfItem(size_t i) {
  return absl::StrCat("items[", i, "].image");
}

}  // namespace

// One upsert, from its admission to its answer.
class WritePath::UpsertRequestRun : public std::enable_shared_from_this<UpsertRequestRun> {
 public:
  UpsertRequestRun(WritePath* path, std::shared_ptr<Generation> generation, std::vector<catalog::ItemWrite> items,
                   const CallContext& context, Callback<WriteAnswer> done)
      : token_(path->environment_->in_flight),
        path_(*path),
        environment_(*path->environment_),
        generation_(std::move(generation)),
        items_(std::move(items)),
        context_(context),
        done_(std::move(done)) {}

  // Keeps a reservation until the write ends.
  void Hold(MemoryBudget::Reservation memory) { memory_ = std::move(memory); }

  // Runs on a thread for writes.
  void Decode() {
    latency_.queue = environment_.clock->Now() - context_.start;
    std::vector<EncodedImage> encoded;
    for (size_t i = 0; i < items_.size(); ++i) {
      encoded.push_back({.bytes = items_[i].image, .field = FieldOfItem(i)});
    }
    absl::StatusOr<std::vector<embedder::Image>> decoded =
        DecodeImages(environment_, *generation_, encoded, context_, latency_.decode);
    if (!decoded.ok()) {
      return done_(decoded.status());
    }
    generation_->batcher().Embed(
        *std::move(decoded), embedder::Priority::kBulk, context_.deadline, context_.cancelled,
        [self = shared_from_this()](absl::StatusOr<embedder::EmbedResult> result) { self->OnEmbedded(std::move(result)); });
  }

 private:
  // Runs on the batcher's thread, which must start the next batch soon.
  void OnEmbedded(absl::StatusOr<embedder::EmbedResult> result) {
    if (!result.ok()) {
      std::vector<std::string> fields;
      for (size_t i = 0; i < items_.size(); ++i) {
        fields.push_back(FieldOfItem(i));
      }
      return done_(WithFieldOfImage(result.status(), fields));
    }
    vectors_ = std::move(result->vectors);
    latency_.queue += result->queue;
    latency_.infer = result->infer;
    environment_.threads->Continue(Lane::kWrites, [self = shared_from_this()] { self->EnterGate(); });
  }

  void EnterGate() {
    environment_.live->gate().Enter([self = shared_from_this()] { self->Commit(); });
  }

  // Runs inside the gate, where the active generation does not change.
  void Commit() {
    std::shared_ptr<Generation> active = environment_.live->active();
    if (generation_ != active) {
      environment_.live->gate().Leave();
      return EmbedAgainIn(std::move(active));
    }
    commit_start_ = environment_.clock->Now();
    path_.commits_.Enter();
    environment_.catalog->Upsert(std::move(items_), [self = shared_from_this()](const absl::StatusOr<catalog::WriteResult>& write) {
      self->OnCommitted(write);
    });
  }

  void EmbedAgainIn(std::shared_ptr<Generation> active) {
    generation_ = std::move(active);
    environment_.threads->Continue(Lane::kWrites, [self = shared_from_this()] { self->Decode(); });
  }

  // Runs on the catalog's writer thread, in commit order, still inside the gate.
  void OnCommitted(const absl::StatusOr<catalog::WriteResult>& write) {
    path_.commits_.Leave(environment_.clock->Now() - commit_start_);
    done_(write.ok() ? ApplyAndAnswer(*write) : write.status());
    environment_.live->gate().Leave();
  }

  absl::StatusOr<WriteAnswer> ApplyAndAnswer(const catalog::WriteResult& write) {
    SEMBLANCE_RETURN_IF_ERROR(path_.ApplyToIndex([&] { return generation_->ApplyUpsert(write, vectors_); }));
    environment_.live->NotifyWrite();
    WriteAnswer answer;
    for (const catalog::Change& change : write.changes) {
      answer.sequences.push_back(change.sequence);
    }
    answer.provenance = generation_->ProvenanceAt(generation_->index().applied_sequence());
    latency_.total = environment_.clock->Now() - context_.start;
    answer.latency = latency_;
    environment_.ObserveStages(latency_);
    return answer;
  }

  const RequestsInFlight::Token token_;
  WritePath& path_;
  const RequestEnvironment& environment_;
  // The items are embedded in this generation.
  std::shared_ptr<Generation> generation_;
  std::vector<catalog::ItemWrite> items_;
  const CallContext context_;
  const Callback<WriteAnswer> done_;
  MemoryBudget::Reservation memory_;
  std::vector<float> vectors_;
  absl::Time commit_start_;
  LatencyBreakdown latency_;
};

// One delete, from its admission to its answer.
class WritePath::DeleteRequestRun : public std::enable_shared_from_this<DeleteRequestRun> {
 public:
  DeleteRequestRun(WritePath* path, std::vector<std::string> ids, const CallContext& context, Callback<WriteAnswer> done)
      : token_(path->environment_->in_flight),
        path_(*path),
        environment_(*path->environment_),
        ids_(std::move(ids)),
        context_(context),
        done_(std::move(done)) {}

  // Keeps a reservation until the write ends.
  void Hold(MemoryBudget::Reservation memory) { memory_ = std::move(memory); }

  void EnterGate() {
    environment_.live->gate().Enter([self = shared_from_this()] { self->Commit(); });
  }

 private:
  // Runs inside the gate. Without a generation, only the catalog takes the delete. A generation that is made later starts from the
  // catalog.
  void Commit() {
    generation_ = environment_.live->active();
    environment_.catalog->Delete(std::move(ids_), [self = shared_from_this()](absl::StatusOr<catalog::WriteResult> write) {
      self->OnCommitted(std::move(write));
    });
  }

  // Runs on the catalog's writer thread, in commit order, still inside the gate.
  void OnCommitted(absl::StatusOr<catalog::WriteResult> write) {
    done_(write.ok() ? ApplyAndAnswer(*std::move(write)) : write.status());
    environment_.live->gate().Leave();
  }

  absl::StatusOr<WriteAnswer> ApplyAndAnswer(catalog::WriteResult write) {
    WriteAnswer answer;
    answer.provenance.applied_sequence = write.last_sequence;
    if (generation_ != nullptr) {
      SEMBLANCE_RETURN_IF_ERROR(path_.ApplyToIndex([&] { return generation_->ApplyDelete(write); }));
      answer.provenance = generation_->ProvenanceAt(generation_->index().applied_sequence());
    }
    environment_.live->NotifyWrite();
    answer.deleted_count = static_cast<int64_t>(write.changes.size());
    answer.missing_ids = std::move(write.missing_ids);
    answer.latency.total = environment_.clock->Now() - context_.start;
    return answer;
  }

  const RequestsInFlight::Token token_;
  WritePath& path_;
  const RequestEnvironment& environment_;
  // The generation that is active inside the gate; null without one.
  std::shared_ptr<Generation> generation_;
  std::vector<std::string> ids_;
  const CallContext context_;
  const Callback<WriteAnswer> done_;
  MemoryBudget::Reservation memory_;
};

void WritePath::Upsert(std::vector<catalog::ItemWrite> items, const CallContext& context, const Callback<WriteAnswer>& done) {
  if (const absl::Status status = CheckWritable(); !status.ok()) {
    return done(status);
  }
  absl::StatusOr<std::shared_ptr<Generation>> generation = environment_->state->Admit();
  if (!generation.ok()) {
    return done(generation.status());
  }
  if (const absl::Status status = CheckUpsert(items, environment_->limits); !status.ok()) {
    return done(status);
  }
  const std::vector<absl::string_view> images = ImagesOf(items);
  absl::StatusOr<MemoryBudget::Reservation> memory =
      environment_->memory->Reserve(SizeOf(items) + BytesWhenDecoded(images.size(), **generation));
  if (!memory.ok()) {
    return done(memory.status());
  }
  LaneWork work = WorkOf(images, generation->get(), embedder::Priority::kBulk);
  work.later = [this, embed = std::move(work.later)](int count) { return std::max(embed(count), commits_.Estimate()); };
  auto run = std::make_shared<UpsertRequestRun>(this, *std::move(generation), std::move(items), context, done);
  run->Hold(*std::move(memory));
  environment_->threads->Submit(
      Lane::kWrites, context, std::move(work), [run = std::move(run)] { run->Decode(); }, done);
}

void WritePath::Delete(std::vector<std::string> ids, const CallContext& context, const Callback<WriteAnswer>& done) {
  absl::Status status = CheckWritable();
  if (status.ok()) {
    status = CheckIds(ids, environment_->limits);
  }
  if (!status.ok()) {
    return done(status);
  }
  absl::StatusOr<MemoryBudget::Reservation> memory = environment_->memory->Reserve(SizeOf(ids));
  if (!memory.ok()) {
    return done(memory.status());
  }
  const auto run = std::make_shared<DeleteRequestRun>(this, std::move(ids), context, done);
  run->Hold(*std::move(memory));
  run->EnterGate();
}

absl::Status WritePath::CheckWritable() const {
  if (read_only_) {
    return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_READ_ONLY,
                 "the index failed to take a write that the catalog has; writes are refused until the server is restarted");
  }
  return environment_->state->CheckWritable();
}

absl::Status WritePath::ApplyToIndex(absl::FunctionRef<absl::Status()> apply) {
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
