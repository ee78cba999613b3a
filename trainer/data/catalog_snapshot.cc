#include "trainer/data/catalog_snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <stop_token>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catalog/catalog.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "common/threads/stop.h"
#include "trainer/data/training_data.h"

namespace semblance::trainer {
namespace {

constexpr size_t kChangesPerRead = 1000;
constexpr absl::Duration kPoll = absl::Milliseconds(100);

absl::Status Invalid(absl::string_view what) {
  return InvalidField("data.catalog_path", v1::ERROR_REASON_DATA_INVALID, what);
}

absl::Status CheckStop(const std::stop_token& stop) {
  return stop.stop_requested() ? absl::CancelledError("stopped while the catalog was copied") : absl::OkStatus();
}

std::string ManifestPath(const std::string& directory) {
  return directory + "/manifest.tsv";
}

struct SnapshotItem {
  uint64_t sequence = 0;
  std::string label;
};

class Snapshot {
 public:
  Snapshot(const catalog::Catalog* catalog, const std::string& directory, const std::stop_token& stop)
      : catalog_(catalog), directory_(directory), stop_(stop) {}

  // Reads the change log and copies its items, until no image was missing. An item that was replaced or deleted before its image
  // was copied has a later change, which the next round reads. Writes after that are left to another run.
  absl::Status Copy() {
    bool is_whole = false;
    while (!is_whole) {
      SEMBLANCE_RETURN_IF_ERROR(ReadLog());
      SEMBLANCE_ASSIGN_OR_RETURN(is_whole, CopyImages());
    }
    return absl::OkStatus();
  }

  absl::Status WriteManifest() const {
    SEMBLANCE_RETURN_IF_ERROR(SyncImages());
    std::string text = "path\tlabel\tid\n";
    for (const auto& [id, item] : items_) {
      absl::StrAppend(&text, PathOf(id), "\t", item.label, "\t", id, "\n");
    }
    return WriteFileAtomically(ManifestPath(directory_), text);
  }

  size_t size() const { return items_.size(); }
  uint64_t sequence() const { return sequence_; }

 private:
  static std::string PathOf(const std::string& id) {
    const std::string digest = Sha256Hex(id);
    return absl::StrCat(digest.substr(0, 2), "/", digest);
  }

  absl::Status SyncImages() const {
    const int descriptor = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
      return ErrnoError(errno, absl::StrCat("cannot open ", directory_));
    }
    const absl::Cleanup close = [descriptor] { ::close(descriptor); };
    return ::syncfs(descriptor) == 0 ? absl::OkStatus() : ErrnoError(errno, absl::StrCat("cannot sync ", directory_));
  }

  // Reads to the end of the log. A read that returns fewer changes than it asked for has reached the end.
  absl::Status ReadLog() {
    bool at_end = false;
    while (!at_end) {
      SEMBLANCE_RETURN_IF_ERROR(CheckStop(stop_));
      SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<catalog::Change> changes, catalog_->ReadChanges(sequence_, kChangesPerRead));
      at_end = changes.size() < kChangesPerRead;
      for (const catalog::Change& change : changes) {
        sequence_ = change.sequence;
        const std::string& id = change.item.id;
        if (change.deleted || change.item.label.value_or("").empty()) {
          items_.erase(id);
          missing_.erase(id);
          continue;
        }
        const std::string& label = *change.item.label;
        if (label.find_first_of("\t\n\r") != std::string::npos) {
          return Invalid(absl::StrCat("item \"", id, "\": its label has a tab or a line end, which training cannot use"));
        }
        items_[id] = {change.sequence, label};
        missing_[id] = change.sequence;
      }
    }
    return absl::OkStatus();
  }

  // Returns false if some items were replaced or deleted meanwhile.
  absl::StatusOr<bool> CopyImages() {
    ProgressReporter progress("copy the catalog", static_cast<int64_t>(missing_.size()), "images");
    int64_t done = 0;
    bool is_whole = true;
    for (const auto& [id, sequence] : missing_) {
      SEMBLANCE_RETURN_IF_ERROR(CheckStop(stop_));
      const absl::StatusOr<std::string> image = catalog_->ReadImage(sequence);
      progress.Update(++done, "");
      if (absl::IsNotFound(image.status())) {
        items_.erase(id);
        is_whole = false;
        continue;
      }
      SEMBLANCE_RETURN_IF_ERROR(image.status());
      SEMBLANCE_RETURN_IF_ERROR(WriteImage(PathOf(id), *image));
    }
    progress.Finish(absl::StrCat(done, " images"));
    missing_.clear();
    return is_whole;
  }

  // All images are synced together, before the manifest is written.
  absl::Status WriteImage(const std::string& path, const std::string& image) const {
    SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(absl::StrCat(directory_, "/", path.substr(0, 2))));
    std::ofstream file(absl::StrCat(directory_, "/", path), std::ios::binary | std::ios::trunc);
    file << image;
    file.close();
    return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", directory_, "/", path));
  }

  const catalog::Catalog* const catalog_;
  const std::string directory_;
  const std::stop_token stop_;
  // Keyed by id.
  std::map<std::string, SnapshotItem> items_;
  // The sequences of the items whose images are still to be copied, keyed by id.
  std::map<std::string, uint64_t> missing_;
  uint64_t sequence_ = 0;
};

}  // namespace

absl::StatusOr<std::string> SnapshotCatalog(const std::string& path, const std::string& directory, const std::stop_token& stop) {
  if (PathExists(ManifestPath(directory))) {
    return ManifestPath(directory);
  }
  if (!PathExists(path)) {
    return Invalid(absl::StrCat("there is no catalog ", path));
  }
  catalog::CatalogOptions options;
  options.read_only = true;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<catalog::Catalog> catalog, catalog::OpenSqliteCatalog(path, options));
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(directory));
  Snapshot snapshot(catalog.get(), directory, stop);
  SEMBLANCE_RETURN_IF_ERROR(snapshot.Copy());
  if (snapshot.size() == 0) {
    return Invalid(absl::StrCat("no item of ", path, " has a label"));
  }
  SEMBLANCE_RETURN_IF_ERROR(snapshot.WriteManifest());
  LOG(INFO) << "trains on " << snapshot.size() << " labelled items of " << path << " at sequence " << snapshot.sequence();
  return ManifestPath(directory);
}

absl::StatusOr<std::string> AwaitCatalogSnapshot(const std::string& directory, const std::stop_token& stop) {
  while (!PathExists(ManifestPath(directory))) {
    // Another process makes the file, perhaps on another machine: nothing here can be notified.
    WaitForStop(stop, kPoll);
    SEMBLANCE_RETURN_IF_ERROR(CheckStop(stop));
  }
  return ManifestPath(directory);
}

}  // namespace semblance::trainer
