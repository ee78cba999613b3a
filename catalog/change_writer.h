// The writes of the catalog, over one connection: Begin, any number of Upsert and Delete, Commit.
//
// Not thread-safe. Errors: as in catalog/sqlite.h. After any error but one of Begin the transaction must be rolled back.
#ifndef SEMBLANCE_CATALOG_CHANGE_WRITER_H_
#define SEMBLANCE_CATALOG_CHANGE_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "catalog/sqlite.h"

namespace semblance::catalog {

// An item with what is computed from it, away from the writer thread.
struct PreparedItem {
  ItemWrite write;
  std::string attributes_json;
  std::string image_sha256;
};

class ChangeWriter {
 public:
  // Creates the catalog where there is none.
  static absl::StatusOr<std::unique_ptr<ChangeWriter>> Open(const std::string& path);

  absl::Status Begin();

  // REQUIRES: after Begin. The results hold once Commit has returned OK. `items` and `ids` are moved from.
  absl::StatusOr<WriteResult> Upsert(std::vector<PreparedItem>& items);
  absl::StatusOr<WriteResult> Delete(std::vector<std::string>& ids);

  // Returns when everything since Begin is on stable storage.
  absl::Status Commit();
  void Rollback();

  // With the writes since Begin included.
  int64_t item_count() const { return state_.item_count; }
  uint64_t last_sequence() const { return state_.last_sequence; }

 private:
  struct State {
    int64_t item_count = 0;
    uint64_t last_sequence = 0;
  };
  struct Statements {
    SqliteStatement find;
    SqliteStatement insert_change;
    SqliteStatement delete_change;
    SqliteStatement insert_image;
    SqliteStatement delete_image;
  };

  // The id's row. Sequence 0: it has none.
  struct Row {
    uint64_t sequence = 0;
    bool deleted = false;
  };

  ChangeWriter(SqliteDatabase database, Statements statements, State state);

  absl::StatusOr<Row> FindRow(absl::string_view id);
  absl::Status RemoveRow(uint64_t sequence);
  absl::StatusOr<Change> UpsertOne(PreparedItem& item, absl::Time now);
  // A change with sequence 0: there was no such item.
  absl::StatusOr<Change> DeleteOne(std::string& id, absl::Time now);
  absl::Status InsertChange(const Change& change, absl::string_view attributes_json, absl::Time now);
  absl::Status InsertImage(uint64_t sequence, absl::string_view image);

  SqliteDatabase database_;
  Statements statements_;
  State state_;
  // What Rollback goes back to.
  State committed_;
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_CHANGE_WRITER_H_
