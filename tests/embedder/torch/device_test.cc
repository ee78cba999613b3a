#include "embedder/torch/device.h"

#include <torch/torch.h>

#include "tests/embedder/torch/network_builders.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using testing::HasField;
using testing::StatusIs;

TEST(DeviceTest, IsParsedFromItsName) {
  ASSERT_OK_AND_ASSIGN(const torch::Device cpu, ParseDevice("cpu"));
  EXPECT_TRUE(cpu.is_cpu());
  EXPECT_OK(ParseDevice("auto"));
  EXPECT_OK(ParseDevice(""));
  for (const char* name : {"gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cuda:1000"}) {
    const absl::StatusOr<torch::Device> device = ParseDevice(name);
    EXPECT_THAT(device, StatusIs(absl::StatusCode::kInvalidArgument)) << name;
    EXPECT_THAT(device, HasField("device")) << name;
  }
}

TEST(DeviceTest, TurnsExceptionsOfLibTorchIntoAStatus) {
  EXPECT_OK(CatchTorchErrors([] {}));
  EXPECT_THAT(CatchTorchErrors([] { torch::zeros({2}).view({3}); }), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(CatchTorchErrors([] { torch::empty({int64_t{1} << 50}); }), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace semblance::embedder
