// The catalog holds every item durably, and the one ordered change log. It is the source of truth, and is independent of
// generations.
//
// Thread-safe. One process writes, which holds the lock of the data directory. Others may open the catalog read-only at the same
// time.
//
// Every id has one row: its last change, which is an upsert or a tombstone, with the sequence of that change. The rows by ascending
// sequence are the change log without superseded entries. So replaying the log from any sequence ends in the same state. A sequence
// is never used twice.
//
// Durability: SQLite in WAL mode with synchronous=FULL. The callback of a write runs after its transaction is on stable storage.
// Writes that wait at the same time share one transaction (group commit); each of them is stored as a whole or not at all. After a
// failed commit the catalog is read-only (Unavailable/READ_ONLY) until it is opened again.
//
// Errors: InvalidArgument with field and reason for items out of range; NotFound/ITEM_NOT_FOUND; Unavailable/READ_ONLY; DataLoss
// for a damaged file; FailedPrecondition for one written by a newer version.
#ifndef SEMBLANCE_CATALOG_CATALOG_H_
#define SEMBLANCE_CATALOG_CATALOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semblance::catalog {

using AttributeValue = std::variant<bool, int64_t, double, std::string>;
using Attributes = std::map<std::string, AttributeValue>;

// An item as a client writes it.
struct ItemWrite {
  std::string id;
  std::string image;
  std::optional<std::string> label;
  Attributes attributes;
};

// A stored item without its image.
struct CatalogItem {
  std::string id;
  uint64_t sequence = 0;
  std::optional<std::string> label;
  Attributes attributes;
  absl::Time update_time;
  // SHA-256 of the encoded image, as 64 hex digits.
  std::string image_sha256;
};

// One entry of the change log.
struct Change {
  uint64_t sequence = 0;
  // In the result of a write, this is the sequence of the previous change of the id, or 0 when the id was new or deleted. Elsewhere
  // it is 0.
  uint64_t replaced_sequence = 0;
  // True for a tombstone; then only item.id is set.
  bool deleted = false;
  CatalogItem item;
};

// The result of one Upsert or Delete. Changes are in the order of the request.
struct WriteResult {
  std::vector<Change> changes;
  // Ids of a Delete that did not exist.
  std::vector<std::string> missing_ids;
  // The sequence of the last change of the catalog, when this write and none after it is applied.
  uint64_t last_sequence = 0;
};

class Catalog {
 public:
  // Runs once for every write, on the catalog's writer thread and in commit order. It must be quick. When a write is refused before
  // it is queued (it is too large, or the catalog was opened for reading), the callback runs on the caller's thread.
  using WriteCallback = std::function<void(absl::StatusOr<WriteResult>)>;

  // Commits and answers all accepted writes.
  virtual ~Catalog() = default;

  // Stores all items or, on error, none. REQUIRES: distinct ids. The caller checks ids, labels and attributes.
  virtual void Upsert(std::vector<ItemWrite> items, WriteCallback done) = 0;

  // Deletes the ids that exist. REQUIRES: distinct ids.
  virtual void Delete(std::vector<std::string> ids, WriteCallback done) = 0;

  // Returns the item with this id. Errors: NotFound/ITEM_NOT_FOUND.
  virtual absl::StatusOr<CatalogItem> Find(absl::string_view id) const = 0;

  // Returns the encoded image of the write at `sequence`. Errors: NotFound when the item was replaced or deleted since; DataLoss
  // when the bytes do not match their digest.
  virtual absl::StatusOr<std::string> ReadImage(uint64_t sequence) const = 0;

  // Returns at most `limit` items whose id is greater than `after_id` (bytewise), by ascending id.
  virtual absl::StatusOr<std::vector<CatalogItem>> List(absl::string_view after_id, int limit) const = 0;

  // Returns at most `limit` entries of the change log whose sequence is greater than `after_sequence`, ascending, in a short
  // transaction.
  virtual absl::StatusOr<std::vector<Change>> ReadChanges(uint64_t after_sequence, int limit) const = 0;

  // Return the number of items, and the sequence of the last change that the number includes (0 when there is none). The writing
  // process answers from memory.
  virtual int64_t item_count() const = 0;
  virtual uint64_t last_sequence() const = 0;
};

struct CatalogOptions {
  // Opens the catalog for reading. Upsert and Delete then fail with Unavailable/READ_ONLY.
  bool read_only = false;
  // Called on the writer thread after every commit, with the time that it took. May be empty.
  std::function<void(absl::Duration)> on_commit;
};

// Opens or creates the SQLite catalog in the file `path`.
absl::StatusOr<std::unique_ptr<Catalog>> OpenSqliteCatalog(const std::string& path, const CatalogOptions& options);

// Writes attributes as one JSON object. Doubles have a decimal point or an exponent, integers have neither. Equal attributes give
// equal text. REQUIRES: strings are UTF-8, doubles are finite.
std::string AttributesToJson(const Attributes& attributes);
// Parses what AttributesToJson writes. Errors: InvalidArgument/INVALID_ATTRIBUTE.
absl::StatusOr<Attributes> AttributesFromJson(absl::string_view json);

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_CATALOG_H_
