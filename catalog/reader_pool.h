// Connections for reading, lent to one thread at a time and kept for the next: opening one costs more than a query.
//
// Thread-safe. What is lent must be given back before the pool ends.
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

  // An idle connection, or a new one. Errors: as of ChangeReader::Open.
  absl::StatusOr<Lease> Borrow() const;

 private:
  // More connections than this are used at once only in bursts, and are closed afterwards.
  static constexpr size_t kMaxIdle = 16;

  void GiveBack(std::unique_ptr<ChangeReader> reader) const;

  const std::string path_;
  mutable Mutex mutex_;
  mutable std::vector<std::unique_ptr<ChangeReader>> idle_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_READER_POOL_H_
