// Runs in a process of its own, because it measures the peak of the memory of the process.
#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/file.h"
#include "config/training_config.h"
#include "tests/testing/status_matchers.h"
#include "trainer/learning/learner.h"

namespace semblance::trainer {
namespace {

int64_t PeakBytes() {
  const std::string status = ReadFile("/proc/self/status").value();
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    int64_t kibibytes = 0;
    if (absl::ConsumePrefix(&line, "VmHWM:") && absl::ConsumeSuffix(&line, " kB") && absl::SimpleAtoi(line, &kibibytes)) {
      return kibibytes * 1024;
    }
  }
  return 0;
}

// A million proxies of 64 components need 256 MB, and their gradient and the two moments of Adam need three times as much. A matrix
// of examples by proxies would need 512 MB, and autograd would keep several.
TEST(ProxyMemoryTest, AMillionProxiesTrainWithinTwoGigabytes) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers hold memory of their own";
#endif
  constexpr int64_t kClasses = 1'000'000;
  constexpr int64_t kBatch = 128;
  v1::TrainingConfig config;
  config.mutable_model()->set_input_side(8);
  config.mutable_model()->set_input_channels(1);
  config.mutable_model()->add_convnet_channels(4);
  config = config::WithDefaults(config);
  ASSERT_EQ(config.model().dimension(), 64);
  const std::unique_ptr<Ranks> alone = Ranks::Join({}, torch::kCPU).value();
  const v1::ModelConfig& model = config.model();
  ASSERT_OK_AND_ASSIGN(
      const std::unique_ptr<Learner> learner,
      Learner::Create(
          config,
          embedder::NewEmbeddingNet(config::ArchitectureOf(model), config::PreprocessingOf(model), model.dimension()).value(),
          kClasses, torch::kCPU, alone.get()));
  const torch::Tensor pixels = torch::randint(0, 256, {kBatch, 8, 8, 1}).to(torch::kUInt8);
  const torch::Tensor labels = torch::randint(kClasses, {kBatch}, torch::kInt64);

  for (int step = 0; step < 2; ++step) {
    ASSERT_OK(learner->Step(pixels, labels, 1));
  }

  EXPECT_GT(PeakBytes(), 4 * kClasses * 64 * 4);
  EXPECT_LT(PeakBytes(), int64_t{2'000'000'000});
}

}  // namespace
}  // namespace semblance::trainer
