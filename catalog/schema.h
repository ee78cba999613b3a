// The tables of the catalog and the settings of its connections. docs/catalog_format.md explains them.
//
// Thread-safe: functions without state.
//
// Errors: FailedPrecondition (an SQLite file of another program, or a catalog of a newer version), and those of catalog/sqlite.h.
#ifndef SEMBLANCE_CATALOG_SCHEMA_H_
#define SEMBLANCE_CATALOG_SCHEMA_H_

#include <string>

#include "absl/status/statusor.h"
#include "catalog/sqlite.h"

namespace semblance::catalog {

// Opens the file for the one writer. Creates the file and the tables if they are missing, and checks the table `changes` for
// damage.
absl::StatusOr<SqliteDatabase> OpenCatalogForWriting(const std::string& path);

// Opens an existing catalog for reading. Errors: NotFound when there is no file.
absl::StatusOr<SqliteDatabase> OpenCatalogForReading(const std::string& path);

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_SCHEMA_H_
