#include "catalog/change_writer.h"

#include <utility>

#include "absl/time/clock.h"
#include "catalog/schema.h"
#include "common/status_macros.h"

namespace semblance::catalog {
namespace {

// Runs a bound statement that returns no rows.
absl::Status Execute(SqliteStatement& statement) {
  const SqliteResetter resetter(&statement);
  return statement.Step().status();
}

absl::Status ExecuteWith(SqliteStatement& statement, uint64_t sequence) {
  statement.BindInt(1, static_cast<int64_t>(sequence));
  return Execute(statement);
}

// Returns the time as it is stored, so that the answer to a write and a later read agree.
absl::Time NowInMicroseconds() {
  return absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
}

}  // namespace

ChangeWriter::ChangeWriter(SqliteDatabase database, Statements statements, State state)
    : database_(std::move(database)), statements_(std::move(statements)), state_(state), committed_(state) {}

absl::StatusOr<std::unique_ptr<ChangeWriter>> ChangeWriter::Open(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteDatabase database, OpenCatalogForWriting(path));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement find, database.Prepare("SELECT sequence, deleted FROM changes WHERE id = ?"));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement insert_change,
                             database.Prepare("INSERT INTO changes (sequence, id, deleted, label, attributes, update_time_us, "
                                              "image_sha256) VALUES (?, ?, ?, ?, ?, ?, ?)"));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement delete_change, database.Prepare("DELETE FROM changes WHERE sequence = ?"));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement insert_image, database.Prepare("INSERT INTO images (sequence, data) VALUES (?, ?)"));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement delete_image, database.Prepare("DELETE FROM images WHERE sequence = ?"));
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t count, database.QueryInt("SELECT count(*) FROM changes WHERE NOT deleted"));
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t last, database.QueryInt("SELECT max(sequence) FROM changes"));
  Statements statements{std::move(find), std::move(insert_change), std::move(delete_change), std::move(insert_image),
                        std::move(delete_image)};
  return std::unique_ptr<ChangeWriter>(
      new ChangeWriter(std::move(database), std::move(statements), State{count, static_cast<uint64_t>(last)}));
}

absl::Status ChangeWriter::Begin() {
  return database_.Run("BEGIN IMMEDIATE");
}

absl::Status ChangeWriter::Commit() {
  SEMBLANCE_RETURN_IF_ERROR(database_.Run("COMMIT"));
  committed_ = state_;
  return absl::OkStatus();
}

void ChangeWriter::Rollback() {
  state_ = committed_;
  // After some errors SQLite has rolled back by itself. ROLLBACK then fails, because there is no transaction.
  database_.Run("ROLLBACK").IgnoreError();
}

absl::StatusOr<WriteResult> ChangeWriter::Upsert(std::vector<PreparedItem>& items) {
  const absl::Time now = NowInMicroseconds();
  WriteResult result;
  result.changes.reserve(items.size());
  for (PreparedItem& item : items) {
    SEMBLANCE_ASSIGN_OR_RETURN(Change change, UpsertOne(item, now));
    result.changes.push_back(std::move(change));
  }
  result.last_sequence = state_.last_sequence;
  return result;
}

absl::StatusOr<WriteResult> ChangeWriter::Delete(std::vector<std::string>& ids) {
  const absl::Time now = NowInMicroseconds();
  WriteResult result;
  for (std::string& id : ids) {
    SEMBLANCE_ASSIGN_OR_RETURN(Change change, DeleteOne(id, now));
    if (change.sequence == 0) {
      result.missing_ids.push_back(std::move(change.item.id));
    } else {
      result.changes.push_back(std::move(change));
    }
  }
  result.last_sequence = state_.last_sequence;
  return result;
}

absl::StatusOr<ChangeWriter::Row> ChangeWriter::FindRow(absl::string_view id) {
  const SqliteResetter resetter(&statements_.find);
  statements_.find.BindText(1, id);
  SEMBLANCE_ASSIGN_OR_RETURN(const bool found, statements_.find.Step());
  return found ? Row{static_cast<uint64_t>(statements_.find.Int(0)), statements_.find.Int(1) != 0} : Row{};
}

absl::Status ChangeWriter::RemoveRow(uint64_t sequence) {
  SEMBLANCE_RETURN_IF_ERROR(ExecuteWith(statements_.delete_change, sequence));
  return ExecuteWith(statements_.delete_image, sequence);
}

absl::StatusOr<Change> ChangeWriter::UpsertOne(PreparedItem& item, absl::Time now) {
  SEMBLANCE_ASSIGN_OR_RETURN(const Row row, FindRow(item.write.id));
  if (row.sequence != 0) {
    SEMBLANCE_RETURN_IF_ERROR(RemoveRow(row.sequence));
  }
  Change change;
  change.sequence = ++state_.last_sequence;
  change.replaced_sequence = row.deleted ? 0 : row.sequence;
  state_.item_count += change.replaced_sequence == 0 ? 1 : 0;
  change.item =
      CatalogItem{std::move(item.write.id),    change.sequence, std::move(item.write.label), std::move(item.write.attributes), now,
                  std::move(item.image_sha256)};
  SEMBLANCE_RETURN_IF_ERROR(InsertChange(change, item.attributes_json, now));
  SEMBLANCE_RETURN_IF_ERROR(InsertImage(change.sequence, item.write.image));
  return change;
}

absl::StatusOr<Change> ChangeWriter::DeleteOne(std::string& id, absl::Time now) {
  SEMBLANCE_ASSIGN_OR_RETURN(const Row row, FindRow(id));
  Change change;
  change.item.id = std::move(id);
  if (row.sequence == 0 || row.deleted) {
    return change;
  }
  SEMBLANCE_RETURN_IF_ERROR(RemoveRow(row.sequence));
  --state_.item_count;
  change.replaced_sequence = row.sequence;
  change.sequence = ++state_.last_sequence;
  change.deleted = true;
  SEMBLANCE_RETURN_IF_ERROR(InsertChange(change, /*attributes_json=*/"", now));
  return change;
}

absl::Status ChangeWriter::InsertChange(const Change& change, absl::string_view attributes_json, absl::Time now) {
  SqliteStatement& insert = statements_.insert_change;
  insert.BindInt(1, static_cast<int64_t>(change.sequence));
  insert.BindText(2, change.item.id);
  insert.BindInt(3, change.deleted ? 1 : 0);
  if (change.item.label.has_value()) {
    insert.BindText(4, *change.item.label);
  } else {
    insert.BindNull(4);
  }
  insert.BindText(5, attributes_json);
  insert.BindInt(6, absl::ToUnixMicros(now));
  insert.BindText(7, change.item.image_sha256);
  return Execute(insert);
}

absl::Status ChangeWriter::InsertImage(uint64_t sequence, absl::string_view image) {
  statements_.insert_image.BindInt(1, static_cast<int64_t>(sequence));
  statements_.insert_image.BindBlob(2, image);
  return Execute(statements_.insert_image);
}

}  // namespace semblance::catalog
