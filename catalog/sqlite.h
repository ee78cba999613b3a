// Owners of SQLite's two handles, which turn its result codes into absl::Status.
//
// Not thread-safe: a database and its statements belong to one thread at a time.
//
// Errors: DataLoss (the file is damaged, or another program wrote it), ResourceExhausted (disk or memory full), PermissionDenied,
// NotFound, Unavailable (locked for longer than the busy timeout, or an I/O error). Messages contain the path and SQLite's message.
#ifndef SEMBLANCE_CATALOG_SQLITE_H_
#define SEMBLANCE_CATALOG_SQLITE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace semblance::catalog {

// One prepared statement. As in SQLite, parameters count from 1 and columns from 0. Must not outlive its database.
class SqliteStatement {
 public:
  // Bind values. Bytes are not copied, and must stay valid until the next Reset. Step returns an error of binding.
  void BindInt(int parameter, int64_t value);
  void BindText(int parameter, absl::string_view value);
  void BindBlob(int parameter, absl::string_view value);
  void BindNull(int parameter);

  // Returns true when there is a row, and false when there are no more.
  absl::StatusOr<bool> Step();

  // Ends the execution, and releases its snapshot and the bound values. Must be called after the last Step of every execution.
  void Reset();

  // Return values of the current row. Text and blobs stay valid until the next Step or Reset.
  int64_t Int(int column) const;
  absl::string_view Bytes(int column) const;
  bool IsNull(int column) const;

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_error_ = 0;
};

// One connection.
class SqliteDatabase {
 public:
  enum class Mode { kReadOnly, kReadWriteCreate };

  // Waits up to `busy_timeout_ms` for locks that other connections hold.
  static absl::StatusOr<SqliteDatabase> Open(const std::string& path, Mode mode, int busy_timeout_ms);

  // Runs statements separated by ";", and ignores the rows that they return.
  absl::Status Run(const char* sql);

  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);

  // Returns the single integer that `sql` selects. NULL, or no row, gives 0.
  absl::StatusOr<int64_t> QueryInt(absl::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteDatabase(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

// Calls Reset when the scope ends.
class SqliteResetter {
 public:
  explicit SqliteResetter(SqliteStatement* statement) : statement_(*statement) {}
  ~SqliteResetter() { statement_.Reset(); }
  SqliteResetter(const SqliteResetter&) = delete;
  SqliteResetter& operator=(const SqliteResetter&) = delete;

 private:
  SqliteStatement& statement_;
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_SQLITE_H_
