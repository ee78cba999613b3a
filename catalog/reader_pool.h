// A pool of connections for reading. A connection is lent to one thread at a time and then kept for the next, because opening one
// costs more than a query.
//
// Thread-safe. All leases must end before the pool does.
#ifndef SEMBLANCE_CATALOG_READER_POOL_H_
#define SEMBLANCE_CATALOG_READER_POOL_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "catalog/change_reader.h"
#include "common/threads/mutex.h"

namespace semblance::catalog {

class ReaderPool {
 public:
  explicit ReaderPool(std::string path) : path_(std::move(path)) {}

  using Lease = std::unique_ptr<ChangeReader, std::function<void(ChangeReader*)>>;

  // Lends an idle connection, or a new one. Errors: those of ChangeReader::Open.
  absl::StatusOr<Lease> Borrow() const;

 private:
  // Only bursts use more connections than this at once. The surplus is closed afterwards.
  static constexpr size_t kMaxIdle = 16;

  void GiveBack(std::unique_ptr<ChangeReader> reader) const;

  const std::string path_;
  mutable Mutex mutex_;
  mutable std::vector<std::unique_ptr<ChangeReader>> idle_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_READER_POOL_H_
