#include "service/tasks/transitions.h"

#include <gtest/gtest.h>

namespace semblance::service {
namespace {

enum class Door { kOpen, kClosed, kLocked };

constexpr Transition<Door> kDoor[] = {{Door::kOpen, Door::kClosed}, {Door::kClosed, Door::kOpen}, {Door::kClosed, Door::kLocked}};

static_assert(IsAllowed(kDoor, Door::kOpen, Door::kClosed));

TEST(TransitionsTest, AllowsWhatTheTableListsAndNothingElse) {
  EXPECT_TRUE(IsAllowed(kDoor, Door::kClosed, Door::kOpen));
  EXPECT_TRUE(IsAllowed(kDoor, Door::kClosed, Door::kLocked));
  EXPECT_FALSE(IsAllowed(kDoor, Door::kOpen, Door::kLocked));
  EXPECT_FALSE(IsAllowed(kDoor, Door::kLocked, Door::kClosed));
}

TEST(TransitionsTest, RefusesAChangeToTheSameStateUnlessItIsListed) {
  EXPECT_FALSE(IsAllowed(kDoor, Door::kOpen, Door::kOpen));
}

}  // namespace
}  // namespace semblance::service
