#include "trainer/learning/proxy_start.h"

#include <torch/torch.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "config/config_override.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/learning/small_learner.h"
#include "tests/trainer/learning/split_images.h"
#include "trainer/learning/evaluation.h"

namespace semblance::trainer {
namespace {

class ProxyStartTest : public ::testing::Test {
 protected:
  v1::TrainingConfig Config(const std::vector<std::string>& assignments) const {
    v1::TrainingConfig config = testing::SmallConfig();
    for (const std::string& assignment : assignments) {
      EXPECT_OK(config::ApplyOverride(assignment, &config));
    }
    return config;
  }

  std::unique_ptr<Learner> NewLearner(const v1::TrainingConfig& config) const {
    return testing::CreateSmallLearner(config, /*class_count=*/3, alone_.get()).value();
  }

  // Returns the unit embeddings of all images by the untrained network, less their mean.
  torch::Tensor Centered(const Learner& learner) const {
    std::vector<int64_t> all(static_cast<size_t>(split_.images().size()));
    std::iota(all.begin(), all.end(), 0);
    const torch::Tensor rows = embedder::NormalizeRows(ForwardAll(learner.net(), split_.labeled(), {all}, 1, torch::kCPU).value());
    return rows - rows.mean(0);
  }

  const std::unique_ptr<Ranks> alone_ = Ranks::Join({}, torch::kCPU).value();
  const testing::SplitImages split_{12, 3};
};

TEST_F(ProxyStartTest, LeavesRandomProxiesAsTheyAre) {
  const v1::TrainingConfig config = Config({"proxies.initialization=INITIALIZATION_RANDOM"});
  const std::unique_ptr<Learner> learner = NewLearner(config);
  const torch::Tensor before = learner->proxies().values().detach().clone();

  ASSERT_OK(StartProxies(config, split_.labeled(), learner.get()));

  EXPECT_TRUE(torch::equal(learner->proxies().values(), before));
}

TEST_F(ProxyStartTest, PutsEachProxyAtTheMeanOfItsClass) {
  const v1::TrainingConfig config = Config({"proxies.initialization=INITIALIZATION_CLASS_MEANS"});
  const std::unique_ptr<Learner> learner = NewLearner(config);
  const torch::Tensor centered = Centered(*learner);

  ASSERT_OK(StartProxies(config, split_.labeled(), learner.get()));

  for (int64_t label = 0; label < 3; ++label) {
    torch::Tensor sum = torch::zeros({4});
    for (int64_t i = label; i < 12; i += 3) {
      sum = sum + centered[i];
    }
    EXPECT_TRUE(torch::allclose(learner->proxies().values()[label], sum / sum.norm(), 1e-3, 1e-4)) << label;
  }
}

TEST_F(ProxyStartTest, PutsEachDynamicProxyAtAnImage) {
  const v1::TrainingConfig config = Config({"proxies.per_class=0", "proxies.count=5", "proxies.assignment=ASSIGNMENT_DYNAMIC",
                                            "proxies.initialization=INITIALIZATION_EXAMPLES"});
  const std::unique_ptr<Learner> learner = NewLearner(config);
  const torch::Tensor images = embedder::NormalizeRows(Centered(*learner));

  ASSERT_OK(StartProxies(config, split_.labeled(), learner.get()));

  const torch::Tensor cosines = learner->proxies().values().detach().matmul(images.t());
  EXPECT_TRUE(torch::allclose(cosines.amax(1), torch::ones({5}), 1e-4, 1e-4));
}

TEST_F(ProxyStartTest, DoesNothingForALossWithoutProxies) {
  const v1::TrainingConfig config = Config({"loss.n_pairs.scale=4"});
  const std::unique_ptr<Learner> learner = NewLearner(config);
  EXPECT_FALSE(learner->uses_proxies());
  EXPECT_OK(StartProxies(config, split_.labeled(), learner.get()));
}

}  // namespace
}  // namespace semblance::trainer
