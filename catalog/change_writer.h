// The writes of the catalog, over one connection: Begin, any number of Upsert and Delete, Commit.
//
// Not thread-safe. Errors: those of catalog/sqlite.h. After any error, except one of Begin, the transaction must be rolled back.
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

// An item with values that are computed from it before it reaches the writer thread.
struct PreparedItem {
  ItemWrite write;
  std::string attributes_json;
  std::string image_sha256;
};

class ChangeWriter {
 public:
  // Opens the catalog, and creates it if there is none.
  static absl::StatusOr<std::unique_ptr<ChangeWriter>> Open(const std::string& path);

  absl::Status Begin();

  // Write within a transaction. The results are valid once Commit has returned OK. `items` and `ids` are moved from. REQUIRES:
  // Begin was called.
  absl::StatusOr<WriteResult> Upsert(std::vector<PreparedItem>& items);
  absl::StatusOr<WriteResult> Delete(std::vector<std::string>& ids);

  // Returns when everything since Begin is on stable storage.
  absl::Status Commit();
  void Rollback();

  // Return the state that includes the writes since Begin.
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

  // The row of an id. Its sequence is 0 when there is none.
  struct Row {
    uint64_t sequence = 0;
    bool deleted = false;
  };

  ChangeWriter(SqliteDatabase database, Statements statements, State state);

  absl::StatusOr<Row> FindRow(absl::string_view id);
  absl::Status RemoveRow(uint64_t sequence);
  absl::StatusOr<Change> UpsertOne(PreparedItem& item, absl::Time now);
  // Returns a change with sequence 0 when there was no such item.
  absl::StatusOr<Change> DeleteOne(std::string& id, absl::Time now);
  absl::Status InsertChange(const Change& change, absl::string_view attributes_json, absl::Time now);
  absl::Status InsertImage(uint64_t sequence, absl::string_view image);

  SqliteDatabase database_;
  Statements statements_;
  State state_;
  // The state to which Rollback returns.
  State committed_;
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_CHANGE_WRITER_H_
