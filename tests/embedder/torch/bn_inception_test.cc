#include "embedder/torch/bn_inception.h"

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "embedder/torch/state.h"
#include "tests/embedder/torch/network_builders.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using testing::BnInception;
using testing::Input;
using testing::Make;
using testing::ParameterCount;

TEST(BnInceptionTest, HasTheNamesShapesAndSizeOfItsPort) {
  const EmbeddingNet net = Make(BnInception(), Input(64, 3), 64);
  const TensorMap state = StateOf(net);

  // The port has 11,295,240 parameters, of which 1,025,000 are in its head.
  EXPECT_EQ(ParameterCount(net), 11295240 - 1025000 + 1025 * 64);
  EXPECT_EQ(state.size(), 69u * (2 + 5) + 2u);
  const std::map<std::string, std::vector<int64_t>> expected = {
      {"conv1_7x7_s2.weight", {64, 3, 7, 7}},
      {"conv1_7x7_s2.bias", {64}},
      {"conv1_7x7_s2_bn.running_var", {64}},
      {"conv2_3x3_reduce.weight", {64, 64, 1, 1}},
      {"conv2_3x3.weight", {192, 64, 3, 3}},
      {"inception_3a_1x1.weight", {64, 192, 1, 1}},
      {"inception_3b_double_3x3_1.weight", {96, 64, 3, 3}},
      {"inception_3c_3x3.weight", {160, 128, 3, 3}},
      {"inception_4a_1x1.weight", {224, 576, 1, 1}},
      {"inception_4d_pool_proj.weight", {128, 608, 1, 1}},
      {"inception_4e_double_3x3_2_bn.bias", {256}},
      {"inception_5a_3x3_reduce.weight", {192, 1056, 1, 1}},
      {"inception_5b_double_3x3_reduce.bias", {192}},
      {"inception_5b_pool_proj.weight", {128, 1024, 1, 1}},
  };
  for (const auto& [name, shape] : expected) {
    ASSERT_EQ(state.count(name), 1u) << name;
    EXPECT_EQ(state.at(name).shape, shape) << name;
  }
  EXPECT_EQ(state.count("inception_3c_1x1.weight") + state.count("inception_4e_pool_proj.weight"), 0u);
}

}  // namespace
}  // namespace semblance::embedder
