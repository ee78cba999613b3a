#include <utility>

#include "absl/strings/str_cat.h"
#include "catalog/catalog.h"
#include "catalog/change_writer.h"
#include "catalog/group_committer.h"
#include "catalog/reader_pool.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance::catalog {
namespace {

// This is well below SQLite's limit for a row (10^9 bytes). A row above that limit would look like a storage failure.
constexpr size_t kMaxItemBytes = size_t{256} << 20;

absl::StatusOr<std::vector<PreparedItem>> Prepare(std::vector<ItemWrite> items) {
  std::vector<PreparedItem> prepared;
  prepared.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    PreparedItem item;
    item.attributes_json = AttributesToJson(items[i].attributes);
    const size_t bytes =
        items[i].image.size() + items[i].id.size() + items[i].label.value_or("").size() + item.attributes_json.size();
    if (bytes > kMaxItemBytes) {
      return InvalidField(absl::StrCat("items[", i, "].image"), v1::ERROR_REASON_LIMIT_EXCEEDED,
                          absl::StrCat("the item has ", bytes, " bytes; the catalog takes at most ", kMaxItemBytes));
    }
    item.image_sha256 = Sha256Hex(items[i].image);
    item.write = std::move(items[i]);
    prepared.push_back(std::move(item));
  }
  return prepared;
}

class SqliteCatalog final : public Catalog {
 public:
  SqliteCatalog(const std::string& path, std::unique_ptr<GroupCommitter> committer)
      : readers_(path), committer_(std::move(committer)) {}

  void Upsert(std::vector<ItemWrite> items, WriteCallback done) override {
    absl::StatusOr<std::vector<PreparedItem>> prepared = Prepare(std::move(items));
    if (!prepared.ok()) {
      done(prepared.status());
      return;
    }
    Submit({*std::move(prepared), std::move(done)});
  }

  void Delete(std::vector<std::string> ids, WriteCallback done) override { Submit({std::move(ids), std::move(done)}); }

  absl::StatusOr<CatalogItem> Find(absl::string_view id) const override {
    SEMBLANCE_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Borrow());
    return reader->Find(id);
  }

  absl::StatusOr<std::string> ReadImage(uint64_t sequence) const override {
    SEMBLANCE_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Borrow());
    return reader->ReadImage(sequence);
  }

  absl::StatusOr<std::vector<CatalogItem>> List(absl::string_view after_id, int limit) const override {
    SEMBLANCE_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Borrow());
    return reader->List(after_id, limit);
  }

  absl::StatusOr<std::vector<Change>> ReadChanges(uint64_t after_sequence, int limit) const override {
    SEMBLANCE_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Borrow());
    return reader->ReadChanges(after_sequence, limit);
  }

  int64_t item_count() const override { return committer_ != nullptr ? committer_->item_count() : Query(&ChangeReader::ItemCount); }

  uint64_t last_sequence() const override {
    return committer_ != nullptr ? committer_->last_sequence() : Query(&ChangeReader::LastSequence);
  }

 private:
  void Submit(GroupCommitter::Write write) {
    if (committer_ != nullptr) {
      committer_->Submit(std::move(write));
    } else {
      write.done(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_READ_ONLY, "the catalog was opened for reading only"));
    }
  }

  // Returns 0 after an error and logs it, because the interface cannot return it.
  template <typename T>
  T Query(absl::StatusOr<T> (ChangeReader::*method)()) const {
    const absl::StatusOr<ReaderPool::Lease> reader = readers_.Borrow();
    const absl::StatusOr<T> result = reader.ok() ? ((**reader).*method)() : absl::StatusOr<T>(reader.status());
    LOG_IF(ERROR, !result.ok()) << result.status().message();
    return result.value_or(0);
  }

  const ReaderPool readers_;
  // Null when opened for reading. It is destroyed before readers_, because the callbacks that it still runs may read.
  const std::unique_ptr<GroupCommitter> committer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Catalog>> OpenSqliteCatalog(const std::string& path, const CatalogOptions& options) {
  std::unique_ptr<GroupCommitter> committer;
  if (options.read_only) {
    SEMBLANCE_RETURN_IF_ERROR(ChangeReader::Open(path).status());
  } else {
    SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<ChangeWriter> writer, ChangeWriter::Open(path));
    committer = std::make_unique<GroupCommitter>(std::move(writer), options.on_commit);
  }
  return std::make_unique<SqliteCatalog>(path, std::move(committer));
}

}  // namespace semblance::catalog
