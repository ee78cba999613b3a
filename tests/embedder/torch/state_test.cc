#include "embedder/torch/state.h"

#include <torch/torch.h>

#include "tests/embedder/torch/network_builders.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::testing::AllOf;
using testing::Convnet;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::Input;
using testing::Make;
using testing::StatusIs;
using testing::StatusMessage;

TEST(StateTest, MisfitsAreNamedAndChangeNothing) {
  EmbeddingNet net = Make(Convnet({4}, 1), Input(8, 1), 2);
  const TensorMap before = StateOf(net);
  const auto load = [&](auto change) {
    TensorMap state = StateOf(Make(Convnet({4}, 1), Input(8, 1), 2));
    state.at("head.bias") = ToHostTensor(torch::full({2}, 7.0));
    change(&state);
    return LoadState(net, state);
  };
  const auto misfit = [](const char* text) {
    return AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("MANIFEST_INVALID"), StatusMessage(HasSubstr(text)));
  };

  EXPECT_THAT(load([](TensorMap* s) { s->erase("stage1.bn1.running_var"); }),
              misfit("tensor stage1.bn1.running_var is missing: the architecture needs F32[4]"));
  EXPECT_THAT(load([](TensorMap* s) {
                s->emplace("extra", HostTensor{"F32", {0}, ""});
              }),
              misfit("tensor extra F32[0] is unknown"));
  EXPECT_THAT(load([](TensorMap* s) {
                s->at("head.weight") = ToHostTensor(torch::zeros({2, 63}));
              }),
              misfit("tensor head.weight is F32[2, 63], but the architecture needs F32[2, 64]"));
  EXPECT_THAT(load([](TensorMap* s) { s->at("head.bias") = ToHostTensor(torch::zeros({2}, torch::kInt64)); }),
              misfit("tensor head.bias is I64[2], but the architecture needs F32[2]"));
  EXPECT_EQ(StateOf(net).at("head.bias").data, before.at("head.bias").data);
}

TEST(StateTest, KeepsTypesShapesAndValuesOfSingleTensors) {
  const torch::Tensor floats = torch::randn({2, 3}).t();  // Not contiguous.
  const torch::Tensor counter = torch::tensor(int64_t{1} << 40, torch::kInt64);

  const HostTensor host = ToHostTensor(floats);

  EXPECT_THAT(host.shape, ElementsAre(3, 2));
  EXPECT_EQ(host.dtype, "F32");
  EXPECT_TRUE(torch::equal(ToTorchTensor(host), floats));
  EXPECT_TRUE(torch::equal(ToTorchTensor(ToHostTensor(counter)), counter));
}

TEST(StateTest, LeavesOutTheConstantsOfTheInput) {
  const TensorMap state = StateOf(Make(Convnet({4}, 1), Input(8, 1), 2));
  EXPECT_EQ(state.count("input_scale") + state.count("input_shift"), 0U);
  EXPECT_EQ(state.count("stage1.bn1.num_batches_tracked"), 1U);
}

}  // namespace
}  // namespace semblance::embedder
