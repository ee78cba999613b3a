#include "embedder/torch/small_convnet.h"

#include <torch/torch.h>

#include "embedder/torch/state.h"
#include "tests/embedder/torch/network_builders.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using testing::Convnet;
using ::testing::ElementsAre;
using testing::Input;
using testing::Make;

TEST(SmallConvnetTest, HasItsStagesAndAFlattenedHead) {
  const TensorMap state = StateOf(Make(Convnet({8, 16}, 2), Input(29, 1), 10));

  EXPECT_EQ(state.size(), 4u * (1 + 5) + 2u);
  EXPECT_THAT(state.at("stage1.conv1.weight").shape, ElementsAre(8, 1, 3, 3));
  EXPECT_THAT(state.at("stage1.conv2.weight").shape, ElementsAre(8, 8, 3, 3));
  EXPECT_THAT(state.at("stage2.conv1.weight").shape, ElementsAre(16, 8, 3, 3));
  EXPECT_EQ(state.at("stage2.bn2.num_batches_tracked").dtype, "I64");
  EXPECT_THAT(state.at("head.weight").shape, ElementsAre(10, 16 * 7 * 7));
}

}  // namespace
}  // namespace semblance::embedder
