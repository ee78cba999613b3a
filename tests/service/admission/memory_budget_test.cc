#include "service/admission/memory_budget.h"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "common/error.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using service::MemoryBudget;

TEST(MemoryBudgetTest, AReservationEndsWithItsOwner) {
  MemoryBudget budget(100);
  {
    ASSERT_OK_AND_ASSIGN(MemoryBudget::Reservation first, budget.Reserve(40));
    EXPECT_EQ(budget.used_bytes(), 40);
    const MemoryBudget::Reservation moved = std::move(first);
    EXPECT_EQ(budget.used_bytes(), 40);
  }
  EXPECT_EQ(budget.used_bytes(), 0);
}

TEST(MemoryBudgetTest, RefusesWhatDoesNotFitAndSaysWhenToTryAgain) {
  MemoryBudget budget(100);
  ASSERT_OK_AND_ASSIGN(const MemoryBudget::Reservation first, budget.Reserve(60));
  EXPECT_OK(budget.Reserve(40));
  const auto refused = budget.Reserve(41);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_TRUE(RetryDelay(refused.status()).has_value());
  EXPECT_EQ(budget.used_bytes(), 60);
}

TEST(MemoryBudgetTest, AdmitsALargeRequestWhenItIsAlone) {
  MemoryBudget budget(100);
  ASSERT_OK_AND_ASSIGN(const MemoryBudget::Reservation large, budget.Reserve(1000));
  EXPECT_THAT(budget.Reserve(1), HasReason("QUEUE_FULL"));
}

TEST(MemoryBudgetTest, ThreadsNeverTakeMoreThanTheLimitTogether) {
  MemoryBudget budget(10);
  std::atomic<int> held = 0;
  std::atomic<bool> exceeded = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) {
        if (const auto reservation = budget.Reserve(3); reservation.ok()) {
          exceeded = exceeded || held.fetch_add(3) + 3 > 10;
          held -= 3;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(budget.used_bytes(), 0);
}

}  // namespace
}  // namespace semblance::testing
