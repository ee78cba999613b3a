#include "catalog/change_reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "catalog/schema.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::catalog {
namespace {

constexpr char kFind[] =
    "SELECT sequence, id, deleted, label, attributes, update_time_us, image_sha256 FROM changes WHERE id = ? AND NOT deleted";
constexpr char kImage[] = "SELECT data, image_sha256 FROM images JOIN changes USING (sequence) WHERE sequence = ?";
constexpr char kList[] =
    "SELECT sequence, id, deleted, label, attributes, update_time_us, image_sha256 FROM changes WHERE id > ? AND NOT deleted "
    "ORDER BY id LIMIT ?";
constexpr char kChanges[] =
    "SELECT sequence, id, deleted, label, attributes, update_time_us, image_sha256 FROM changes WHERE sequence > ? "
    "ORDER BY sequence LIMIT ?";

// Integers of SQLite are signed. No sequence is ever as large as their limit.
int64_t ToSqlite(uint64_t sequence) {
  return static_cast<int64_t>(std::min<uint64_t>(sequence, std::numeric_limits<int64_t>::max()));
}

// Converts a row of one of the statements above.
absl::StatusOr<Change> ChangeOf(const SqliteStatement& row) {
  Change change;
  change.sequence = static_cast<uint64_t>(row.Int(0));
  change.item.id = std::string(row.Bytes(1));
  change.deleted = row.Int(2) != 0;
  if (change.deleted) {
    return change;
  }
  change.item.sequence = change.sequence;
  if (!row.IsNull(3)) {
    change.item.label = std::string(row.Bytes(3));
  }
  absl::StatusOr<Attributes> attributes = AttributesFromJson(row.Bytes(4));
  if (!attributes.ok()) {
    return absl::DataLossError(
        absl::StrCat("the catalog's change ", change.sequence, " has damaged attributes: ", attributes.status().message()));
  }
  change.item.attributes = *std::move(attributes);
  change.item.update_time = absl::FromUnixMicros(row.Int(5));
  change.item.image_sha256 = std::string(row.Bytes(6));
  return change;
}

// Returns the rows of a bound statement. `convert` makes a Row from a Change.
template <typename Row, typename Convert>
absl::StatusOr<std::vector<Row>> ReadRows(SqliteStatement& statement, Convert convert) {
  std::vector<Row> rows;
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(const bool found, statement.Step());
    if (!found) {
      return rows;
    }
    SEMBLANCE_ASSIGN_OR_RETURN(Change change, ChangeOf(statement));
    rows.push_back(convert(std::move(change)));
  }
}

CatalogItem ItemOf(Change change) {
  return std::move(change.item);
}

}  // namespace

ChangeReader::ChangeReader(SqliteDatabase database, SqliteStatement find, SqliteStatement image, SqliteStatement list,
                           SqliteStatement changes)
    : database_(std::move(database)),
      find_(std::move(find)),
      image_(std::move(image)),
      list_(std::move(list)),
      changes_(std::move(changes)) {}

absl::StatusOr<std::unique_ptr<ChangeReader>> ChangeReader::Open(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteDatabase database, OpenCatalogForReading(path));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement find, database.Prepare(kFind));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement image, database.Prepare(kImage));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement list, database.Prepare(kList));
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement changes, database.Prepare(kChanges));
  return std::unique_ptr<ChangeReader>(
      new ChangeReader(std::move(database), std::move(find), std::move(image), std::move(list), std::move(changes)));
}

absl::StatusOr<CatalogItem> ChangeReader::Find(absl::string_view id) {
  const SqliteResetter resetter(&find_);
  find_.BindText(1, id);
  SEMBLANCE_ASSIGN_OR_RETURN(const bool found, find_.Step());
  if (!found) {
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_ITEM_NOT_FOUND, absl::StrCat("there is no item \"", id, "\""));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(Change change, ChangeOf(find_));
  return std::move(change.item);
}

absl::StatusOr<std::string> ChangeReader::ReadImage(uint64_t sequence) {
  const SqliteResetter resetter(&image_);
  image_.BindInt(1, ToSqlite(sequence));
  SEMBLANCE_ASSIGN_OR_RETURN(const bool found, image_.Step());
  if (!found) {
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_ITEM_NOT_FOUND,
                 absl::StrCat("the item written at sequence ", sequence, " was replaced or deleted since"));
  }
  std::string image(image_.Bytes(0));
  // SQLite itself has no checksums.
  if (Sha256Hex(image) != image_.Bytes(1)) {
    return absl::DataLossError(absl::StrCat("the image written at sequence ", sequence, " is damaged: its digest does not match"));
  }
  return image;
}

absl::StatusOr<std::vector<CatalogItem>> ChangeReader::List(absl::string_view after_id, int limit) {
  const SqliteResetter resetter(&list_);
  list_.BindText(1, after_id);
  list_.BindInt(2, std::max(limit, 0));  // SQLite would take a negative limit for no limit.
  return ReadRows<CatalogItem>(list_, ItemOf);
}

absl::StatusOr<std::vector<Change>> ChangeReader::ReadChanges(uint64_t after_sequence, int limit) {
  const SqliteResetter resetter(&changes_);
  changes_.BindInt(1, ToSqlite(after_sequence));
  changes_.BindInt(2, std::max(limit, 0));
  return ReadRows<Change>(changes_, [](Change change) { return change; });
}

absl::StatusOr<int64_t> ChangeReader::ItemCount() {
  return database_.QueryInt("SELECT count(*) FROM changes WHERE NOT deleted");
}

absl::StatusOr<uint64_t> ChangeReader::LastSequence() {
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t last, database_.QueryInt("SELECT max(sequence) FROM changes"));
  return static_cast<uint64_t>(last);
}

}  // namespace semblance::catalog
