// The queries of the catalog, over one connection.
//
// Not thread-safe. Errors: those of catalog/sqlite.h; DataLoss for rows with values that no writer writes.
#ifndef SEMBLANCE_CATALOG_CHANGE_READER_H_
#define SEMBLANCE_CATALOG_CHANGE_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "catalog/catalog.h"
#include "catalog/sqlite.h"

namespace semblance::catalog {

class ChangeReader {
 public:
  static absl::StatusOr<std::unique_ptr<ChangeReader>> Open(const std::string& path);

  // These do the same as the methods of Catalog with these names.
  absl::StatusOr<CatalogItem> Find(absl::string_view id);
  absl::StatusOr<std::string> ReadImage(uint64_t sequence);
  absl::StatusOr<std::vector<CatalogItem>> List(absl::string_view after_id, int limit);
  absl::StatusOr<std::vector<Change>> ReadChanges(uint64_t after_sequence, int limit);
  absl::StatusOr<int64_t> ItemCount();
  absl::StatusOr<uint64_t> LastSequence();

 private:
  ChangeReader(SqliteDatabase database, SqliteStatement find, SqliteStatement image, SqliteStatement list, SqliteStatement changes);

  SqliteDatabase database_;
  SqliteStatement find_;
  SqliteStatement image_;
  SqliteStatement list_;
  SqliteStatement changes_;
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_CHANGE_READER_H_
