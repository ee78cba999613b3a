#include "service/generations/rollback_target.h"

#include "gtest/gtest.h"

namespace semblance::service {
namespace {

TEST(RollbackTargetTest, IsForgottenOnlyWhenItIsTheOneThatIsGone) {
  RollbackTarget target;
  EXPECT_EQ(target.id(), "");
  target.Set("gen-000001");
  target.Forget("gen-000002");
  EXPECT_EQ(target.id(), "gen-000001");
  target.Forget("gen-000001");
  EXPECT_EQ(target.id(), "");
}

}  // namespace
}  // namespace semblance::service
