#include "builder/builder.h"

#include <cstdint>
#include <stop_token>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "generation/catalog_rows.h"
#include "generation/generation_store.h"
#include "generation/index_config.h"
#include "index/segmented_index.h"

namespace semblance::builder {
namespace {

using ::semblance::storage::v1::BuildManifest;
using ::semblance::storage::v1::BuildProgress;
using ::semblance::storage::v1::GenerationManifest;
using ::semblance::storage::v1::GenerationRecord;

// Time between two replacements of progress.json.
constexpr absl::Duration kProgressInterval = absl::Milliseconds(250);

absl::StatusOr<std::unique_ptr<FileLock>> LockBuild(const std::string& path) {
  absl::StatusOr<std::unique_ptr<FileLock>> lock = FileLock::Acquire(path);
  if (absl::IsFailedPrecondition(lock.status())) {
    return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_BUILD_RUNNING,
                 absl::StrCat(path, " is locked: another builder is at work"));
  }
  return lock;
}

absl::Status CheckPhase(const generation::GenerationStore& store, const std::string& id) {
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationRecord record, store.ReadRecord(id));
  if (record.phase() != GenerationRecord::PHASE_BUILDING) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_NOT_BUILDING,
                 absl::StrCat("generation ", id, " is in ", GenerationRecord::Phase_Name(record.phase()),
                              "; only one in PHASE_BUILDING can be built"));
  }
  return absl::OkStatus();
}

// Computes the digest of a file, and makes the file durable. The index syncs only files that it must not lose, but build.json
// promises all of them.
absl::StatusOr<BuildManifest::IndexFile> DescribeFile(const std::string& directory, const std::string& name) {
  const std::string path = absl::StrCat(directory, "/", name);
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> opened, AppendFile::Open(path));
  SEMBLANCE_RETURN_IF_ERROR(opened->Sync());
  BuildManifest::IndexFile file;
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t size, FileSize(path));
  SEMBLANCE_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(path));
  file.set_name(name);
  file.set_size(size);
  file.set_sha256(std::move(digest));
  return file;
}

// Lists all files of the index. REQUIRES: the index is closed.
absl::Status DescribeFiles(const std::string& directory, BuildManifest* build) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory));
  for (const std::string& name : names) {
    if (name != "LOCK" && !absl::EndsWith(name, ".corrupt")) {
      SEMBLANCE_ASSIGN_OR_RETURN(*build->add_files(), DescribeFile(directory, name));
    }
  }
  return SyncDirectory(directory);
}

// One build of a generation. The caller holds the lock of the build.
class Build {
 public:
  Build(const BuildOptions& options, const generation::GenerationStore& store, GenerationManifest manifest)
      : options_(options), store_(store), manifest_(std::move(manifest)) {}

  absl::Status Run() {
    absl::Status status = BuildAll();
    if (status.ok()) {
      progress_.set_step(BuildProgress::STEP_DONE);
      WriteProgress();
    } else if (!IsWorthAnotherTry(status)) {
      const std::string reason = ReasonName(ReasonOf(status));
      progress_.set_step(BuildProgress::STEP_FAILED);
      progress_.set_error(absl::StrCat(reason, reason.empty() ? "" : ": ", status.message()));
      WriteProgress();
    }
    return status;
  }

 private:
  absl::Status BuildAll() {
    if (!KeepGoing()) {
      return absl::CancelledError("stopped before it began");
    }
    SEMBLANCE_RETURN_IF_ERROR(CheckPhase(store_, manifest_.id()));
    SEMBLANCE_ASSIGN_OR_RETURN(index::SegmentedIndexOptions how,
                               generation::IndexOptionsOf(options_.index, manifest_.index_factory(), manifest_.dimension()));
    how.build_threads = options_.threads;
    SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<embedder::Embedder> embedder, LoadEmbedder());
    SEMBLANCE_ASSIGN_OR_RETURN(
        const std::unique_ptr<catalog::Catalog> catalog,
        catalog::OpenSqliteCatalog(options_.data_dir + "/catalogue.db", {.read_only = true, .on_commit = nullptr}));
    BuildManifest build;
    SEMBLANCE_RETURN_IF_ERROR(BuildIndex(*catalog, *embedder, how, &build));
    SEMBLANCE_RETURN_IF_ERROR(DescribeFiles(store_.IndexDir(manifest_.id()), &build));
    build.set_embedding_space_id(manifest_.embedding_space_id());
    build.set_dimension(manifest_.dimension());
    return store_.WriteBuild(manifest_.id(), build);
  }

  absl::StatusOr<std::unique_ptr<embedder::Embedder>> LoadEmbedder() const {
    SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<embedder::Embedder> embedder,
                               options_.new_embedder(store_.BundleDir(manifest_.id())));
    if (embedder->manifest().embedding_space_id() != manifest_.embedding_space_id()) {
      return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_MANIFEST_INVALID,
                   absl::StrCat("generation ", manifest_.id(), " was made for ", manifest_.embedding_space_id(),
                                ", its bundle is of ", embedder->manifest().embedding_space_id()));
    }
    return embedder;
  }

  // Builds and closes the index. Sets sequence and row_count.
  absl::Status BuildIndex(const catalog::Catalog& catalog, const embedder::Embedder& embedder,
                          const index::SegmentedIndexOptions& how, BuildManifest* build) {
    SEMBLANCE_ASSIGN_OR_RETURN(const generation::CatalogState state, generation::ReadCatalogState(catalog));
    SEMBLANCE_ASSIGN_OR_RETURN(
        const std::unique_ptr<index::SegmentedIndex> index,
        index::SegmentedIndex::Open(store_.IndexDir(manifest_.id()), how, state.Sequences(), state.sequence));
    const auto total = static_cast<int64_t>(state.items.size());
    const auto missing = static_cast<int64_t>(index->missing_keys().size());
    LOG(INFO) << "generation " << manifest_.id() << ": " << missing << " of " << total << " items at sequence " << state.sequence
              << " are to be embedded by " << options_.threads << " threads on " << embedder.device();
    SEMBLANCE_RETURN_IF_ERROR(Embed(catalog, embedder, total - missing, *index));
    SEMBLANCE_RETURN_IF_ERROR(Seal(*index));
    build->set_sequence(state.sequence);
    build->set_row_count(index->Stats().live_rows);
    return absl::OkStatus();
  }

  absl::Status Embed(const catalog::Catalog& catalog, const embedder::Embedder& embedder, int64_t embedded_before,
                     index::SegmentedIndex& index) {
    std::stop_source stop;
    generation::EmbedMissingOptions how;
    how.batch_size = options_.batch_size;
    how.threads = options_.threads;
    how.rests = embedder.device() == "cpu";
    how.stop = stop.get_token();
    how.on_progress = [&](int64_t done, int64_t total) {
      Report(BuildProgress::STEP_EMBEDDING, embedded_before + done, embedded_before + total);
      if (!KeepGoing()) {
        stop.request_stop();
      }
    };
    how.on_progress(0, static_cast<int64_t>(index.missing_keys().size()));
    return generation::EmbedMissing(catalog, embedder, how, index);
  }

  absl::Status Seal(index::SegmentedIndex& index) {
    return index.SealWhile([&] {
      const index::IndexStats stats = index.Stats();
      Report(BuildProgress::STEP_INDEXING, stats.live_rows - stats.growing_rows, stats.live_rows);
      return KeepGoing();
    });
  }

  bool KeepGoing() const { return !options_.stop.stop_requested() && !store_.CancelRequested(manifest_.id()); }

  void Report(BuildProgress::Step step, int64_t done, int64_t total) {
    const bool is_new_step = step != progress_.step();
    progress_.set_step(step);
    progress_.set_done(done);
    progress_.set_total(total);
    if (is_new_step || absl::Now() - last_write_ >= kProgressInterval) {
      WriteProgress();
    }
  }

  void WriteProgress() {
    last_write_ = absl::Now();
    const absl::Status written = store_.WriteProgress(manifest_.id(), progress_);
    // Progress is only for people who wait. The build continues without it.
    LOG_IF(WARNING, !written.ok()) << written;
    if (options_.on_progress) {
      options_.on_progress(progress_);
    }
  }

  const BuildOptions& options_;
  const generation::GenerationStore& store_;
  const GenerationManifest manifest_;
  BuildProgress progress_;
  absl::Time last_write_ = absl::InfinitePast();
};

}  // namespace

absl::Status BuildGeneration(const BuildOptions& options) {
  const generation::GenerationStore store = generation::GenerationStore::OpenForBuilder(options.data_dir);
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationManifest manifest, store.ReadManifest(options.generation_id));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, LockBuild(store.LockPath(options.generation_id)));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<BuildManifest> build, store.ReadBuild(options.generation_id));
  return build.has_value() ? absl::OkStatus() : Build(options, store, std::move(manifest)).Run();
}

bool IsWorthAnotherTry(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

}  // namespace semblance::builder
