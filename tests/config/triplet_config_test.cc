#include "config/triplet_config.h"

#include <fstream>
#include <string>
#include <vector>

#include "config/training_config.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::config {
namespace {

using testing::HasField;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::StatusMessage;
using testing::TempDir;
using v1::ProxyConfig;
using v1::TrainingConfig;

absl::StatusOr<TrainingConfig> LoadForTriplets(const std::vector<std::string>& overrides) {
  const TempDir dir;
  std::ofstream(dir.Join("t.tsv")) << "anchor\tpositive\tnegative\na\tb\tc\n";
  std::ofstream(dir.Join("c.textproto")) << "model_name: 'm' output_dir: 'o' data { path: '" << dir.Join("t.tsv") << "' }";
  return LoadTrainingConfig(dir.Join("c.textproto"), overrides);
}

TEST(TripletConfigTest, WorksWithoutAnythingSet) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadForTriplets({}));

  EXPECT_EQ(config.proxies().assignment(), ProxyConfig::ASSIGNMENT_DYNAMIC);
  EXPECT_EQ(config.proxies().count(), 128);
  EXPECT_EQ(config.proxies().per_class(), 0);
  EXPECT_EQ(config.proxies().initialization(), ProxyConfig::INITIALIZATION_EXAMPLES);
  EXPECT_TRUE(config.loss().has_proxy_nca());
}

TEST(TripletConfigTest, LeavesWhatIsSet) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadForTriplets({"proxies.assignment=ASSIGNMENT_DYNAMIC", "proxies.count=7",
                                                                     "proxies.initialization=INITIALIZATION_RANDOM"}));

  EXPECT_EQ(config.proxies().count(), 7);
  EXPECT_EQ(config.proxies().initialization(), ProxyConfig::INITIALIZATION_RANDOM);
}

TEST(TripletConfigTest, AsksForNoProxiesWhereTheLossHasNone) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadForTriplets({"loss.triplet.margin=0.5"}));

  EXPECT_EQ(config.loss().triplet().mining(), v1::TripletConfig::MINING_ALL);
  EXPECT_FALSE(config.has_proxies() && config.proxies().count() > 0);
}

TEST(TripletConfigTest, LeavesLabeledDataAlone) {
  TrainingConfig config;
  config.mutable_data()->set_path("/nonexistent");
  FillTripletDefaults(&config);
  EXPECT_FALSE(config.has_proxies());
  config.mutable_proxies()->set_assignment(ProxyConfig::ASSIGNMENT_STATIC);
  EXPECT_OK(CheckTripletConfig(config));
}

struct Refusal {
  const char* assignment;
  const char* field;
  // This part of the message says what to do.
  const char* words;
};

class TripletRefusalTest : public ::testing::TestWithParam<Refusal> {};

INSTANTIATE_TEST_SUITE_P(
    Settings, TripletRefusalTest,
    ::testing::Values(Refusal{"proxies.assignment=ASSIGNMENT_STATIC", "proxies.assignment", "ASSIGNMENT_DYNAMIC"},
                      Refusal{"proxies.per_class=2", "proxies.per_class", "set proxies.count"},
                      Refusal{"proxies.initialization=INITIALIZATION_CLASS_MEANS", "proxies.initialization",
                              "INITIALIZATION_EXAMPLES"},
                      Refusal{"proxies.count=1", "proxies.count", "expected 2"},
                      Refusal{"proxies.sampled_negatives=5", "proxies.sampled_negatives", "assigned statically"},
                      Refusal{"sampler.samples_per_class=4", "sampler.samples_per_class", "leave it out"},
                      Refusal{"data.hold_out=HOLD_OUT_CLASSES", "data.hold_out", "HOLD_OUT_ITEMS"},
                      Refusal{"loss.label_smoothing=0.1", "loss.label_smoothing", "leave it out"},
                      Refusal{"loss.triplet.mining=MINING_HARD", "loss.triplet.mining", "MINING_ALL"},
                      Refusal{"loss.proxy_anchor.scale=16", "loss.proxy_anchor", "loss.proxy_nca"},
                      Refusal{"loss.soft_triple.scale=16", "loss.soft_triple", "loss.proxy_nca"},
                      Refusal{"loss.normalized_softmax.temperature=1", "loss.normalized_softmax", "loss.proxy_nca"},
                      Refusal{"loss.n_pairs.scale=16", "loss.n_pairs", "loss.proxy_nca"},
                      Refusal{"loss.lifted_structure.margin=1", "loss.lifted_structure", "loss.proxy_nca"}),
    [](const auto& test) { return "Setting" + std::to_string(test.index); });

TEST_P(TripletRefusalTest, NamesTheFieldAndWhatToDo) {
  const auto config = LoadForTriplets({GetParam().assignment});
  EXPECT_THAT(config, HasReason(v1::ERROR_REASON_CONFIG_INVALID));
  EXPECT_THAT(config, HasField(GetParam().field));
  EXPECT_THAT(config, StatusMessage(HasSubstr(GetParam().words)));
}

}  // namespace
}  // namespace semblance::config
