#include "trainer/learning/snapshot.h"

#include <torch/torch.h>

#include <memory>
#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/trainer/learning/small_learner.h"

namespace semblance::trainer {
namespace {

using ::testing::HasSubstr;
using testing::SmallConfig;
using testing::StatusIs;
using testing::StatusMessage;

class SnapshotTest : public ::testing::Test {
 protected:
  std::unique_ptr<Learner> NewLearner(const v1::TrainingConfig& config, int64_t class_count = 2) const {
    return testing::CreateSmallLearner(config, class_count, alone_.get()).value();
  }

  const std::unique_ptr<Ranks> alone_ = Ranks::Join({}, torch::kCPU).value();
};

TEST_F(SnapshotTest, RestoresTheRandomGenerator) {
  const std::unique_ptr<Learner> learner = NewLearner(SmallConfig());
  torch::manual_seed(11);
  const SnapshotFiles files = TakeSnapshot(*learner);
  const torch::Tensor expected = torch::rand({5});
  torch::manual_seed(12);

  ASSERT_OK(RestoreSnapshot(files, learner.get()));

  EXPECT_TRUE(torch::equal(torch::rand({5}), expected));
}

TEST_F(SnapshotTest, NamesTheFileThatIsMissing) {
  const std::unique_ptr<Learner> learner = NewLearner(SmallConfig());
  const SnapshotFiles whole = TakeSnapshot(*learner);
  EXPECT_EQ(whole.size(), 5U);
  for (const auto& [name, content] : whole) {
    SnapshotFiles files = whole;
    files.erase(name);
    const absl::Status status = RestoreSnapshot(files, learner.get());
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss)) << name;
    EXPECT_THAT(status, StatusMessage(HasSubstr(name == "proxies.safetensors" ? "there are no proxies" : name)));
  }
}

TEST_F(SnapshotTest, RefusesDamagedFiles) {
  const std::unique_ptr<Learner> learner = NewLearner(SmallConfig());
  for (const char* const name : {"model.safetensors", "proxies.safetensors", "optimizer.pt", "random.bin"}) {
    SnapshotFiles files = TakeSnapshot(*learner);
    files[name] = files[name].substr(0, 5);
    EXPECT_FALSE(RestoreSnapshot(files, learner.get()).ok()) << name;
  }
}

TEST_F(SnapshotTest, RefusesTheNetworkOfAnotherConfig) {
  v1::TrainingConfig wider = SmallConfig();
  wider.mutable_model()->set_convnet_channels(0, 6);
  EXPECT_FALSE(RestoreSnapshot(TakeSnapshot(*NewLearner(wider)), NewLearner(SmallConfig()).get()).ok());
}

TEST_F(SnapshotTest, KeepsTwoStatesApartByThePrefixOfTheirFiles) {
  const TrainedState first = TrainedStateOf(*NewLearner(SmallConfig()));
  v1::TrainingConfig other = SmallConfig();
  other.mutable_model()->set_dimension(3);
  const TrainedState second = TrainedStateOf(*NewLearner(other));
  SnapshotFiles files = FilesOf(first, "");
  files.merge(FilesOf(second, "best_"));

  ASSERT_OK_AND_ASSIGN(const TrainedState read_first, StateFrom(files, ""));
  ASSERT_OK_AND_ASSIGN(const TrainedState read_second, StateFrom(files, "best_"));

  EXPECT_EQ(read_first.proxies.at("proxies").data, first.proxies.at("proxies").data);
  EXPECT_EQ(read_second.proxies.at("proxies").shape, second.proxies.at("proxies").shape);
  EXPECT_EQ(read_second.model.at("head.weight").data, second.model.at("head.weight").data);
  EXPECT_THAT(StateFrom(files, "worst_").status(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SnapshotTest, TellsWhichProxyEachClassShares) {
  v1::TrainingConfig config = SmallConfig();
  config.mutable_proxies()->set_per_class(0.5);
  const std::unique_ptr<Learner> learner = NewLearner(config, /*class_count=*/6);

  const TrainedState state = TrainedStateOf(*learner);

  EXPECT_THAT(state.proxies.at("proxies").shape, ::testing::ElementsAre(3, 4));
  EXPECT_THAT(state.proxies.at("class_proxies").shape, ::testing::ElementsAre(6));
}

}  // namespace
}  // namespace semblance::trainer
