// The catalog: every item, durable, and the one ordered change log. It is the source of truth and knows no generation.
//
// Thread-safe. One process writes (it holds the data directory's lock); others may open it read-only at the same time.
//
// "The catalog is the log": every id has one row, its last change, be that an upsert or a tombstone, with its sequence. Rows by
// ascending sequence are the change log with superseded entries left out, so replaying from any S0 ends in the same state. A
// sequence is never used twice.
//
// Durability: SQLite in WAL mode with synchronous=FULL. A write's callback runs after its transaction is on stable storage; writes
// that wait together share one transaction (group commit), each of them still all or nothing. After a failed commit the
// catalog is read-only (Unavailable/READ_ONLY) until it is opened again.
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

// What a client writes.
struct ItemWrite {
  std::string id;
  std::string image;
  std::optional<std::string> label;
  Attributes attributes;
};

// What is stored of an item besides the image.
struct CatalogItem {
  std::string id;
  uint64_t sequence = 0;
  std::optional<std::string> label;
  Attributes attributes;
  absl::Time update_time;
  // 64 hex digits of the encoded image.
  std::string image_sha256;
};

// One entry of the change log.
struct Change {
  uint64_t sequence = 0;
  // The sequence of the same id's change before, where the caller saw one commit it; 0 when the id was new or already deleted.
  uint64_t replaced_sequence = 0;
  // True: a tombstone, only item.id is set.
  bool deleted = false;
  CatalogItem item;
};

// What one Upsert or Delete did. Changes are in the order of the request.
struct WriteResult {
  std::vector<Change> changes;
  // Ids of a Delete that did not exist.
  std::vector<std::string> missing_ids;
  // The sequence of the last change of the catalog once this write, and none of those after it, is applied.
  uint64_t last_sequence = 0;
};

class Catalog {
 public:
  // Runs on the catalog's writer thread, once for every write and in commit order; must be quick. A write that is refused before
  // it is queued (too large, or a catalog opened for reading) is answered on the caller's thread.
  using WriteCallback = std::function<void(absl::StatusOr<WriteResult>)>;

  // Commits and answers the writes that it has accepted.
  virtual ~Catalog() = default;

  // Stores the items, all or none. REQUIRES: distinct ids. Ids, labels and attributes are checked by the caller.
  virtual void Upsert(std::vector<ItemWrite> items, WriteCallback done) = 0;

  // Deletes the ids that exist. REQUIRES: distinct ids.
  virtual void Delete(std::vector<std::string> ids, WriteCallback done) = 0;

  virtual absl::StatusOr<CatalogItem> Find(absl::string_view id) const = 0;

  // The encoded image of the write at `sequence`. Errors: NotFound when it was replaced or deleted since; DataLoss when its bytes
  // do not have their digest.
  virtual absl::StatusOr<std::string> ReadImage(uint64_t sequence) const = 0;

  // At most `limit` items with an id greater than `after_id` (bytewise), ascending.
  virtual absl::StatusOr<std::vector<CatalogItem>> List(absl::string_view after_id, int limit) const = 0;

  // At most `limit` entries of the change log with a sequence greater than `after_sequence`, ascending; in a short transaction.
  virtual absl::StatusOr<std::vector<Change>> ReadChanges(uint64_t after_sequence, int limit) const = 0;

  // Items that exist, and the sequence of the last change that the count includes (0: none yet). From memory in the writing
  // process.
  virtual int64_t item_count() const = 0;
  virtual uint64_t last_sequence() const = 0;
};

struct CatalogOptions {
  // Opens for reading; Upsert and Delete then fail with Unavailable/READ_ONLY.
  bool read_only = false;
  // Called after every commit with the time that it took; may be empty. On the writer thread.
  std::function<void(absl::Duration)> on_commit;
};

// Opens or creates the SQLite catalog in the file `path`.
absl::StatusOr<std::unique_ptr<Catalog>> OpenSqliteCatalog(const std::string& path, const CatalogOptions& options);

// Attributes as one JSON object: integers without, doubles with a decimal point or exponent. Deterministic.
// REQUIRES: strings are UTF-8, doubles finite.
std::string AttributesToJson(const Attributes& attributes);
// Errors: InvalidArgument/INVALID_ATTRIBUTE.
absl::StatusOr<Attributes> AttributesFromJson(absl::string_view json);

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_CATALOG_H_
