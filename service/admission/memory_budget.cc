#include "service/admission/memory_budget.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"

namespace semblance::service {
namespace {

constexpr absl::Duration kRetryDelay = absl::Milliseconds(500);

}  // namespace

void MemoryBudget::Reservation::Release() {
  if (budget_ != nullptr) {
    budget_->used_ -= bytes_;
    budget_ = nullptr;
  }
}

absl::StatusOr<MemoryBudget::Reservation> MemoryBudget::Reserve(int64_t bytes) {
  const int64_t before = used_.fetch_add(bytes);
  if (before == 0 || before + bytes <= limit_) {
    return Reservation(this, bytes);
  }
  used_ -= bytes;
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                              absl::StrCat("the request needs ", bytes, " bytes of memory; ", before, " of ", limit_,
                                           " bytes are taken by other requests")),
                        kRetryDelay);
}

}  // namespace semblance::service
