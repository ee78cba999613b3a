#include "index/segmented_index.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "common/threads/background_thread.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "index/files/index_directory.h"
#include "index/files/vector_log.h"
#include "index/segment_snapshot.h"
#include "index/segments/index_recovery.h"
#include "index/segments/segment_list.h"
#include "index/segments/segment_merge.h"
#include "index/validation.h"

namespace semblance::index {
namespace {

// Niceness of the sealing thread and of the OpenMP threads that it starts. Searches have priority.
constexpr int kSealingNiceness = 15;

// The interval at which SealWhile asks its caller.
constexpr absl::Duration kSealPollInterval = absl::Milliseconds(100);

template <typename Segments>
std::vector<uint64_t> FileNumbers(const Segments& segments) {
  std::vector<uint64_t> numbers;
  numbers.reserve(segments.size());
  for (const auto& segment : segments) {
    numbers.push_back(segment->file_number());
  }
  return numbers;
}

bool MergeIsDue(const SegmentList& list) {
  return list.growing.size() > 1 ||
         std::any_of(list.sealed.begin(), list.sealed.end(), [](const auto& segment) { return MostlyDeleted(*segment); });
}

class IndexInDirectory final : public SegmentedIndex {
 public:
  IndexInDirectory(const SegmentedIndexOptions& options, std::unique_ptr<IndexDirectory> directory)
      : options_(options), directory_(std::move(directory)) {}

  // Recovers the rows and starts the sealing thread. Called once, before all other methods.
  absl::Status Start(absl::Span<const uint64_t> live_keys, uint64_t sequence);

  int dimension() const override { return options_.dimension; }
  absl::Status Apply(absl::Span<const IndexAdd> adds, absl::Span<const IndexDelete> deletes, uint64_t sequence) override;
  uint64_t applied_sequence() const override { return applied_.load(std::memory_order_acquire); }
  std::unique_ptr<const IndexSnapshot> Snapshot() const override;
  IndexStats Stats() const override;

  const std::vector<uint64_t>& missing_keys() const override { return missing_keys_; }
  absl::Status AddMissing(absl::Span<const IndexAdd> adds) override;
  absl::Status SealWhile(absl::FunctionRef<bool()> keep_going) override;
  void WaitForBackgroundWork() override;

 private:
  // Adds all rows, first to the logs and then in memory. On error it adds none.
  absl::Status AddRows(absl::Span<const IndexAdd> adds) SEMBLANCE_REQUIRES(mutex_);
  // Starts a new growing segment.
  absl::Status Rotate() SEMBLANCE_REQUIRES(mutex_);
  // Makes the directory hold the list (after Start), and then makes searches see it.
  absl::Status Install(std::shared_ptr<const SegmentList> list) SEMBLANCE_REQUIRES(mutex_);
  void DeleteRow(const IndexDelete& one) SEMBLANCE_REQUIRES(mutex_);

  void StartMergeIfDue() SEMBLANCE_REQUIRES(mutex_);
  bool IsIdle() const SEMBLANCE_REQUIRES(mutex_) { return !merge_due_ && !merging_; }
  void RunSealer(const std::stop_token& stop);
  absl::Status MergeOnce(const std::stop_token& stop);

  const SegmentedIndexOptions options_;
  std::vector<uint64_t> missing_keys_;

  // A write publishes segments_ first and applied_ second; see TakeView.
  std::atomic<uint64_t> applied_{0};
  CurrentSegments segments_;

  // A writer holds it during a step, and the sealing thread while it begins or ends a merge. A search never takes it.
  Mutex mutex_;
  Condition changed_;
  const std::unique_ptr<IndexDirectory> directory_ SEMBLANCE_GUARDED_BY(mutex_);
  // The log of the last growing segment.
  std::unique_ptr<VectorLogWriter> log_ SEMBLANCE_GUARDED_BY(mutex_);
  // True when the end of the log may be torn. The next row then goes to a new log.
  bool log_is_torn_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // False while Start copies rows from old logs to new ones. Until then the directory holds the old ones.
  bool started_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool merge_due_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool merging_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // The result of the last merge.
  absl::Status merge_status_ SEMBLANCE_GUARDED_BY(mutex_);
  // The thread comes last, because it uses everything above.
  Worker sealer_;
};

absl::Status IndexInDirectory::Start(absl::Span<const uint64_t> live_keys, uint64_t sequence) {
  MutexLock lock(&mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(RecoveredIndex recovered, RecoverIndex(*directory_, live_keys));
  missing_keys_ = std::move(recovered.missing_keys);
  auto list = std::make_shared<SegmentList>();
  list->sealed = std::move(recovered.sealed);
  segments_.Store(std::move(list));
  // The live rows of the old logs move to a new log, without torn and deleted ones. The directory holds the old logs until all rows
  // are there.
  SEMBLANCE_RETURN_IF_ERROR(Rotate());
  std::vector<IndexAdd> rows;
  for (size_t row = 0; row < recovered.log_keys.size(); ++row) {
    rows.push_back({recovered.log_keys[row],
                    absl::MakeConstSpan(recovered.log_vectors).subspan(row * options_.dimension, options_.dimension)});
  }
  SEMBLANCE_RETURN_IF_ERROR(AddRows(rows));
  SEMBLANCE_RETURN_IF_ERROR(log_->Sync());
  started_ = true;
  SEMBLANCE_RETURN_IF_ERROR(Install(segments_.Load()));
  applied_.store(sequence, std::memory_order_release);
  StartMergeIfDue();
  sealer_ = Worker("sealer", [this](const std::stop_token& stop) { RunSealer(stop); });
  return absl::OkStatus();
}

absl::Status IndexInDirectory::Apply(absl::Span<const IndexAdd> adds, absl::Span<const IndexDelete> deletes, uint64_t sequence) {
  SEMBLANCE_RETURN_IF_ERROR(ValidateStep(adds, deletes, applied_sequence(), sequence));
  SEMBLANCE_RETURN_IF_ERROR(ValidateVectors(adds, options_.dimension));
  MutexLock lock(&mutex_);
  SEMBLANCE_RETURN_IF_ERROR(AddRows(adds));
  for (const IndexDelete& one : deletes) {
    DeleteRow(one);
  }
  applied_.store(sequence, std::memory_order_release);
  StartMergeIfDue();
  return absl::OkStatus();
}

absl::Status IndexInDirectory::AddMissing(absl::Span<const IndexAdd> adds) {
  for (const IndexAdd& add : adds) {
    if (!std::binary_search(missing_keys_.begin(), missing_keys_.end(), add.key)) {
      return absl::InvalidArgumentError(absl::StrCat("key ", add.key, " is not missing"));
    }
  }
  SEMBLANCE_RETURN_IF_ERROR(ValidateVectors(adds, options_.dimension));
  MutexLock lock(&mutex_);
  SEMBLANCE_RETURN_IF_ERROR(AddRows(adds));
  StartMergeIfDue();
  return absl::OkStatus();
}

absl::Status IndexInDirectory::AddRows(absl::Span<const IndexAdd> adds) {
  std::vector<std::pair<std::shared_ptr<GrowingSegment>, absl::Span<const IndexAdd>>> logged;
  while (!adds.empty()) {
    std::shared_ptr<GrowingSegment> growing = segments_.Load()->growing.back();
    // Rows remain after a batch only if the batch filled its segment, so they need a new one.
    if (log_is_torn_ || growing->room() == 0 || !logged.empty()) {
      SEMBLANCE_RETURN_IF_ERROR(Rotate());
      growing = segments_.Load()->growing.back();
    }
    const absl::Span<const IndexAdd> batch = adds.subspan(0, growing->room());
    if (absl::Status status = log_->Append(batch); !status.ok()) {
      log_is_torn_ = true;
      return status;
    }
    logged.emplace_back(std::move(growing), batch);
    adds.remove_prefix(batch.size());
  }
  for (const auto& [segment, batch] : logged) {
    segment->Append(batch);
  }
  return absl::OkStatus();
}

absl::Status IndexInDirectory::Rotate() {
  if (log_ != nullptr && !log_is_torn_) {
    SEMBLANCE_RETURN_IF_ERROR(log_->Sync());
  }
  const uint64_t number = directory_->NextNumber();
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<VectorLogWriter> log,
                             VectorLogWriter::Create(directory_->LogPath(number), options_.dimension));
  auto list = std::make_shared<SegmentList>(*segments_.Load());
  list->growing.push_back(std::make_shared<GrowingSegment>(number, options_.dimension, options_.seal_rows));
  SEMBLANCE_RETURN_IF_ERROR(Install(std::move(list)));
  log_ = std::move(log);
  log_is_torn_ = false;
  return absl::OkStatus();
}

absl::Status IndexInDirectory::Install(std::shared_ptr<const SegmentList> list) {
  if (started_) {
    SEMBLANCE_RETURN_IF_ERROR(directory_->Commit(FileNumbers(list->sealed), FileNumbers(list->growing)));
  }
  segments_.Store(std::move(list));
  return absl::OkStatus();
}

void IndexInDirectory::DeleteRow(const IndexDelete& one) {
  segments_.Load()->ForEach([&](Segment* segment) {
    if (const int64_t row = segment->Find(one.key); row >= 0) {
      segment->Delete(row, one.at);
    }
  });
}

std::unique_ptr<const IndexSnapshot> IndexInDirectory::Snapshot() const {
  return NewSegmentSnapshot(TakeView(applied_, segments_), options_.dimension);
}

IndexStats IndexInDirectory::Stats() const {
  const std::shared_ptr<const SegmentList> list = segments_.Load();
  IndexStats stats;
  list->ForEach([&](const Segment* segment) {
    stats.live_rows += segment->live_rows();
    stats.tombstone_rows += segment->deleted_rows();
    stats.memory_bytes += segment->memory_bytes();
  });
  for (const auto& segment : list->growing) {
    stats.growing_rows += segment->rows();
  }
  stats.sealed_segments = static_cast<int>(list->sealed.size());
  for (const auto& segment : list->sealed) {
    stats.segments.push_back(absl::StrCat(segment->rows(), " rows: ", segment->description()));
  }
  return stats;
}

void IndexInDirectory::StartMergeIfDue() {
  if (MergeIsDue(*segments_.Load())) {
    merge_due_ = true;
    changed_.NotifyAll();
  }
}

absl::Status IndexInDirectory::SealWhile(absl::FunctionRef<bool()> keep_going) {
  {
    MutexLock lock(&mutex_);
    if (segments_.Load()->growing.back()->rows() > 0) {
      SEMBLANCE_RETURN_IF_ERROR(Rotate());
    }
    StartMergeIfDue();
  }
  while (keep_going()) {
    MutexLock lock(&mutex_);
    if (changed_.WaitFor(mutex_, /*stop=*/{}, kSealPollInterval, [this]() SEMBLANCE_REQUIRES(mutex_) { return IsIdle(); })) {
      return merge_status_;
    }
  }
  return absl::CancelledError("stopped while segments were sealed");
}

void IndexInDirectory::WaitForBackgroundWork() {
  MutexLock lock(&mutex_);
  changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return IsIdle(); });
}

void IndexInDirectory::RunSealer(const std::stop_token& stop) {
  LowerThreadPriority(kSealingNiceness);
  omp_set_num_threads(options_.EffectiveBuildThreads());
  while (true) {
    {
      MutexLock lock(&mutex_);
      changed_.Wait(mutex_, stop, [this]() SEMBLANCE_REQUIRES(mutex_) { return merge_due_; });
      if (stop.stop_requested()) {
        return;
      }
      merge_due_ = false;
      merging_ = true;
    }
    const absl::Status status = MergeOnce(stop);
    // Nothing is lost. The rows stay where they are, and the next write tries again.
    LOG_IF(ERROR, !status.ok() && !stop.stop_requested()) << "cannot seal a segment: " << status;
    MutexLock lock(&mutex_);
    merging_ = false;
    merge_status_ = status;
    if (status.ok()) {
      StartMergeIfDue();
    }
    changed_.NotifyAll();
  }
}

absl::Status IndexInDirectory::MergeOnce(const std::stop_token& stop) {
  std::unique_ptr<SegmentMerge> merge;
  uint64_t number = 0;
  std::string path;
  {
    MutexLock lock(&mutex_);
    merge = std::make_unique<SegmentMerge>(*segments_.Load(), options_, applied_sequence());
    number = directory_->NextNumber();
    path = directory_->SegmentPath(number);
  }
  SEMBLANCE_RETURN_IF_ERROR(merge->Build(number, stop));
  SEMBLANCE_RETURN_IF_ERROR(merge->Write(path));
  if (merge->output() != nullptr) {
    LOG(INFO) << path << ": sealed " << merge->output()->rows() << " rows as " << merge->output()->description();
  }
  MutexLock lock(&mutex_);
  return Install(merge->Publish(*segments_.Load()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentedIndex>> SegmentedIndex::Open(const std::string& directory,
                                                                     const SegmentedIndexOptions& options,
                                                                     absl::Span<const uint64_t> live_keys, uint64_t sequence) {
  SEMBLANCE_RETURN_IF_ERROR(options.Validate());
  SEMBLANCE_RETURN_IF_ERROR(ValidateLiveKeys(live_keys, sequence));
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<IndexDirectory> files, IndexDirectory::Open(directory, options.dimension));
  auto index = std::make_unique<IndexInDirectory>(options, std::move(files));
  SEMBLANCE_RETURN_IF_ERROR(index->Start(live_keys, sequence));
  return index;
}

}  // namespace semblance::index
