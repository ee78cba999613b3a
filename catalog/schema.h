// The catalog's tables and the settings of its connections; docs/catalog_format.md explains them.
//
// Thread-safe: functions without state.
//
// Errors: FailedPrecondition (an SQLite file of another program, or a catalog of a newer version); else as in catalog/sqlite.h.
#ifndef SEMBLANCE_CATALOG_SCHEMA_H_
#define SEMBLANCE_CATALOG_SCHEMA_H_

#include <string>

#include "absl/status/statusor.h"
#include "catalog/sqlite.h"

namespace semblance::catalog {

// Opens the file for the one writer; creates the file and the tables where they are missing, and looks for damage in `changes`.
absl::StatusOr<SqliteDatabase> OpenCatalogForWriting(const std::string& path);

// Opens an existing catalog for reading.
absl::StatusOr<SqliteDatabase> OpenCatalogForReading(const std::string& path);

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_SCHEMA_H_
