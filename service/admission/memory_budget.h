// The memory that all requests together may take: their messages, their decoded images, and writes that wait for the disk.
//
// Thread-safe. The budget must outlive its reservations.
//
// A request reserves what it needs when it is admitted. The reservation travels with it and ends with it.
#ifndef SEMBLANCE_SERVICE_ADMISSION_MEMORY_BUDGET_H_
#define SEMBLANCE_SERVICE_ADMISSION_MEMORY_BUDGET_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"

namespace semblance::service {

class MemoryBudget {
 public:
  // Holds bytes of a budget as long as it lives.
  class Reservation {
   public:
    // Holds nothing.
    Reservation() = default;
    ~Reservation() { Release(); }
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }

   private:
    friend class MemoryBudget;
    Reservation(MemoryBudget* budget, int64_t bytes) : budget_(budget), bytes_(bytes) {}
    void Release();

    MemoryBudget* budget_ = nullptr;
    int64_t bytes_ = 0;
  };

  // REQUIRES: limit_bytes >= 1.
  explicit MemoryBudget(int64_t limit_bytes) : limit_(limit_bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Errors: ResourceExhausted/QUEUE_FULL with a retry delay when the bytes do not fit beside what is reserved. A request that finds
  // nothing reserved always fits, because waiting would not help it. REQUIRES: bytes >= 0.
  absl::StatusOr<Reservation> Reserve(int64_t bytes);

  int64_t used_bytes() const { return used_; }
  int64_t limit_bytes() const { return limit_; }

 private:
  const int64_t limit_;
  std::atomic<int64_t> used_ = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ADMISSION_MEMORY_BUDGET_H_
