#include "catalog/schema.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance::catalog {
namespace {

// Another process may take this long for a checkpoint, or for the recovery after a crash.
constexpr int kBusyTimeoutMs = 10'000;

// "SEMB"
constexpr int64_t kApplicationId = 0x53454d42;
constexpr int64_t kSchemaVersion = 1;

// The numbers are kApplicationId and kSchemaVersion. They are set in the same transaction that creates the tables.
constexpr char kCreate[] = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE changes (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  label TEXT,
  attributes TEXT NOT NULL,
  update_time_us INTEGER NOT NULL,
  image_sha256 TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX changes_by_id ON changes (id);
CREATE TABLE images (
  sequence INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;
PRAGMA application_id = 1397050690;
PRAGMA user_version = 1;
COMMIT;
)sql";
static_assert(kApplicationId == 1397050690 && kSchemaVersion == 1, "kCreate repeats them");

// synchronous=FULL flushes the log at every commit. The log is copied into the file every 4,096 pages (16 MiB). That is rare enough
// not to slow down bulk ingest, and often enough to make opening after a crash quick.
constexpr char kWriterSettings[] = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4096;
PRAGMA journal_size_limit = 67108864;
)sql";

// These protect against damaged files: SQLite calls no functions that the schema names, and checks cells when it reads pages.
constexpr char kCommonSettings[] = R"sql(
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
)sql";

absl::Status CheckVersion(const std::string& path, SqliteDatabase& database) {
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t application, database.QueryInt("PRAGMA application_id"));
  if (application != kApplicationId) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is an SQLite file, but no Semblance catalog"));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t version, database.QueryInt("PRAGMA user_version"));
  if (version != kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat(path, " has schema version ", version, "; this program reads version ",
                                                      kSchemaVersion,
                                                      version > kSchemaVersion ? ": use the newer Semblance that wrote it" : ""));
  }
  return absl::OkStatus();
}

absl::Status CreateIfEmpty(const std::string& path, SqliteDatabase& database) {
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t pages, database.QueryInt("PRAGMA page_count"));
  if (pages > 0) {
    return absl::OkStatus();
  }
  SEMBLANCE_RETURN_IF_ERROR(database.Run(kCreate));
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return SyncDirectory(parent.empty() ? "." : parent);
}

// Images are not checked here: their bytes have digests, and reading all of them would take minutes.
absl::Status LookForDamage(const std::string& path, SqliteDatabase& database) {
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteStatement check, database.Prepare("PRAGMA quick_check(changes)"));
  SEMBLANCE_ASSIGN_OR_RETURN(const bool found, check.Step());
  if (!found || check.Bytes(0) != "ok") {
    return absl::DataLossError(absl::StrCat(path, " is damaged: ", found ? check.Bytes(0) : "it cannot be checked"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SqliteDatabase> OpenCatalogForWriting(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteDatabase database,
                             SqliteDatabase::Open(path, SqliteDatabase::Mode::kReadWriteCreate, kBusyTimeoutMs));
  SEMBLANCE_RETURN_IF_ERROR(database.Run(kCommonSettings));
  SEMBLANCE_RETURN_IF_ERROR(CreateIfEmpty(path, database));
  SEMBLANCE_RETURN_IF_ERROR(CheckVersion(path, database));
  SEMBLANCE_RETURN_IF_ERROR(database.Run(kWriterSettings));
  SEMBLANCE_RETURN_IF_ERROR(LookForDamage(path, database));
  return database;
}

absl::StatusOr<SqliteDatabase> OpenCatalogForReading(const std::string& path) {
  if (!PathExists(path)) {
    return absl::NotFoundError(absl::StrCat(path, ": there is no such catalog"));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(SqliteDatabase database, SqliteDatabase::Open(path, SqliteDatabase::Mode::kReadOnly, kBusyTimeoutMs));
  SEMBLANCE_RETURN_IF_ERROR(database.Run(kCommonSettings));
  SEMBLANCE_RETURN_IF_ERROR(CheckVersion(path, database));
  return database;
}

}  // namespace semblance::catalog
