#include "catalog/reader_pool.h"

#include "common/status_macros.h"

namespace semblance::catalog {

absl::StatusOr<ReaderPool::Lease> ReaderPool::Borrow() const {
  std::unique_ptr<ChangeReader> reader;
  {
    const MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (reader == nullptr) {
    SEMBLANCE_ASSIGN_OR_RETURN(reader, ChangeReader::Open(path_));
  }
  return Lease(reader.release(), [this](ChangeReader* lent) { GiveBack(std::unique_ptr<ChangeReader>(lent)); });
}

void ReaderPool::GiveBack(std::unique_ptr<ChangeReader> reader) const {
  const MutexLock lock(&mutex_);
  if (idle_.size() < kMaxIdle) {
    idle_.push_back(std::move(reader));
  }
}

}  // namespace semblance::catalog
