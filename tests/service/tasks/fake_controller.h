// The base of the fake controllers of generations and of training jobs. The test sets the rows, and calls are recorded.
//
// Thread-safe. Observers are called under a lock, as the contracts of the controllers allow: they must not call the methods that
// are implemented here.
#ifndef SEMBLANCE_TESTS_SERVICE_TASKS_FAKE_CONTROLLER_H_
#define SEMBLANCE_TESTS_SERVICE_TASKS_FAKE_CONTROLLER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "service/tasks/observed_table.h"

namespace semblance::testing {

// `Controller` is the interface, `Row` is what it returns about a generation or job, and `Spec` is what a new one is made from.
template <typename Controller, typename Row, typename Spec>
class FakeController : public Controller {
 public:
  using Observer = typename Controller::Observer;

  // Removes a row, and tells its observers.
  void Remove(const std::string& id) { rows_.Erase(id); }

  // Methods that change something return this error. OK ends that.
  void FailWith(const absl::Status& status) {
    MutexLock lock(&mutex_);
    failure_ = status;
  }

  // Waits until there are this many observers.
  void AwaitObservers(size_t count) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, /*stop=*/{}, [this, count]() SEMBLANCE_REQUIRES(mutex_) { return observers_ == count; });
  }

  // Returns the calls in their order.
  std::vector<std::string> calls() const {
    MutexLock lock(&mutex_);
    return calls_;
  }

  // Returns the spec of the last call of Create that did not fail.
  Spec last_spec() const {
    MutexLock lock(&mutex_);
    return last_spec_;
  }

  absl::StatusOr<Row> Get(const std::string& id) const override {
    std::optional<Row> row = rows_.Find(id);
    return row.has_value() ? absl::StatusOr<Row>(*std::move(row)) : NotFound(id);
  }

  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) override {
    const std::optional<int64_t> token = rows_.AddObserver(id, std::move(observer));
    if (!token.has_value()) {
      return NotFound(id);
    }
    CountObservers(+1);
    return *token;
  }

  // REQUIRES: AddObserver has returned the token, and this is its first removal.
  void RemoveObserver(int64_t token) override {
    rows_.RemoveObserver(token);
    CountObservers(-1);
  }

 protected:
  // `noun` and `not_found` describe the error for an id that is not there.
  FakeController(std::string noun, v1::ErrorReason not_found) : noun_(std::move(noun)), not_found_(not_found) {}

  // Makes or changes a row, and tells its observers.
  void Put(const std::string& id, const Row& row) { rows_.Insert(id, row); }

  // Returns all rows, by descending id.
  std::vector<Row> rows() const { return rows_.List(); }

  absl::Status failure() const {
    MutexLock lock(&mutex_);
    return failure_;
  }

  // Adds to the calls, and returns the error of FailWith.
  absl::Status Record(std::string call) {
    MutexLock lock(&mutex_);
    calls_.push_back(std::move(call));
    return failure_;
  }

  // The same for a call of Create.
  absl::Status RecordCreate(const std::string& name, const Spec& spec) {
    MutexLock lock(&mutex_);
    calls_.push_back(absl::StrCat("create ", name));
    if (failure_.ok()) {
      last_spec_ = spec;
    }
    return failure_;
  }

 private:
  absl::Status NotFound(const std::string& id) const {
    return Error(absl::StatusCode::kNotFound, not_found_, absl::StrCat("there is no ", noun_, " ", id));
  }

  void CountObservers(int difference) {
    MutexLock lock(&mutex_);
    observers_ += static_cast<size_t>(difference);
    changed_.NotifyAll();
  }

  const std::string noun_;
  const v1::ErrorReason not_found_;
  service::ObservedTable<Row> rows_;

  mutable Mutex mutex_;
  Condition changed_;
  size_t observers_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ SEMBLANCE_GUARDED_BY(mutex_);
  Spec last_spec_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_TASKS_FAKE_CONTROLLER_H_
