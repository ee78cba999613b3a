// A table of rows by id that tells observers of every change.
//
// Thread-safe. An observer is called on the thread that makes the change, with one change at a time and in their order. It must be
// quick and must not call the table.
#ifndef SEMBLANCE_SERVICE_TASKS_OBSERVED_TABLE_H_
#define SEMBLANCE_SERVICE_TASKS_OBSERVED_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/threads/mutex.h"

namespace semblance::service {

template <typename Row>
class ObservedTable {
 public:
  // Receives the row after each of its changes, and nullopt when the row was erased.
  using Observer = std::function<void(const std::optional<Row>&)>;

  // `complete` fills in measured values whenever a row is read. It must not call the table.
  explicit ObservedTable(std::function<void(Row&)> complete = [](Row&) {}) : complete_(std::move(complete)) {}

  void Insert(const std::string& id, Row row) {
    {
      MutexLock lock(&mutex_);
      rows_[id] = std::move(row);
    }
    Tell(id);
  }

  // Changes the row and tells its observers. Does nothing when there is no such row.
  void Update(const std::string& id, const std::function<void(Row&)>& change) {
    UpdateIf(id, [&change](Row& row) {
      change(row);
      return true;
    });
  }

  // The same, for a change that may be refused: `change` returns whether it has changed the row. Returns false when it has not, or
  // when there is no such row; nobody is told then. No other change comes between the decision and the change.
  bool UpdateIf(const std::string& id, const std::function<bool(Row&)>& change) {
    {
      MutexLock lock(&mutex_);
      const auto found = rows_.find(id);
      if (found == rows_.end() || !change(found->second)) {
        return false;
      }
    }
    Tell(id);
    return true;
  }

  void Erase(const std::string& id) {
    {
      MutexLock lock(&mutex_);
      rows_.erase(id);
    }
    Tell(id);
  }

  std::optional<Row> Find(const std::string& id) const {
    std::optional<Row> row;
    {
      MutexLock lock(&mutex_);
      const auto found = rows_.find(id);
      if (found == rows_.end()) {
        return std::nullopt;
      }
      row = found->second;
    }
    complete_(*row);
    return row;
  }

  // Returns all rows, by descending id.
  std::vector<Row> List() const {
    std::vector<Row> list;
    {
      MutexLock lock(&mutex_);
      for (auto each = rows_.rbegin(); each != rows_.rend(); ++each) {
        list.push_back(each->second);
      }
    }
    for (Row& row : list) {
      complete_(row);
    }
    return list;
  }

  // Calls `observer` once with the row as it is, and then after every change, until RemoveObserver(token) has returned.
  // Returns nullopt when there is no such row.
  std::optional<int64_t> AddObserver(const std::string& id, Observer observer) {
    MutexLock lock(&observers_mutex_);
    const std::optional<Row> now = Find(id);
    if (!now.has_value()) {
      return std::nullopt;
    }
    observer(now);
    const int64_t token = next_token_++;
    observers_[token] = {.id = id, .observer = std::move(observer)};
    return token;
  }

  void RemoveObserver(int64_t token) {
    MutexLock lock(&observers_mutex_);
    observers_.erase(token);
  }

 private:
  struct Watch {
    std::string id;
    Observer observer;
  };

  void Tell(const std::string& id) {
    MutexLock lock(&observers_mutex_);
    std::optional<Row> now;
    bool known = false;
    for (const auto& [token, watch] : observers_) {
      if (watch.id != id) {
        continue;
      }
      if (!std::exchange(known, true)) {
        now = Find(id);
      }
      watch.observer(now);
    }
  }

  const std::function<void(Row&)> complete_;
  mutable Mutex mutex_;
  std::map<std::string, Row> rows_ SEMBLANCE_GUARDED_BY(mutex_);

  // Held while observers are told. It is locked before mutex_.
  Mutex observers_mutex_;
  std::map<int64_t, Watch> observers_ SEMBLANCE_GUARDED_BY(observers_mutex_);
  int64_t next_token_ SEMBLANCE_GUARDED_BY(observers_mutex_) = 1;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TASKS_OBSERVED_TABLE_H_
