#include "trainer/learning/proxy_start.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "trainer/data/sampler.h"
#include "trainer/learning/evaluation.h"

namespace semblance::trainer {
namespace {

constexpr int64_t kMaxImages = 20'480;

// `classes` has the class of each embedding, out of class_count.
void StartAtClassMeans(const torch::Tensor& embeddings, const torch::Tensor& classes, int64_t class_count, Proxies* proxies) {
  const torch::Tensor center = embeddings.mean(0);
  const torch::Tensor sums = torch::zeros({class_count, embeddings.size(1)}).index_add(0, classes, embeddings);
  const torch::Tensor counts = torch::zeros({class_count}).index_add(0, classes, torch::ones({classes.size(0)})).unsqueeze(1);
  // A class without examples in the sample starts at a random place.
  const torch::Tensor anywhere = center + embedder::NormalizeRows(torch::randn_like(sums));
  proxies->StartAtClassMeans(torch::where(counts > 0, sums / counts.clamp_min(1), anywhere), center);
}

}  // namespace

absl::Status StartProxies(const v1::TrainingConfig& config, const LabeledImages& train, Learner* learner) {
  if (!learner->uses_proxies() || config.proxies().initialization() == v1::ProxyConfig::INITIALIZATION_RANDOM) {
    return absl::OkStatus();
  }
  const std::vector<int64_t>& labels = *train.labels;
  PositionBatches batches = SampleBatches(train.images->size(), kMaxImages, config.seed());
  std::vector<int64_t> positions;
  for (const std::vector<int64_t>& batch : batches) {
    positions.insert(positions.end(), batch.begin(), batch.end());
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const torch::Tensor outputs,
                             ForwardAll(learner->net(), train, std::move(batches), config.loader_threads(), learner->device()));
  return embedder::CatchTorchErrors([&] {
    const torch::NoGradGuard no_grad;
    const torch::Tensor embeddings = embedder::NormalizeRows(outputs);
    if (config.proxies().initialization() == v1::ProxyConfig::INITIALIZATION_EXAMPLES) {
      learner->proxies().StartAtExamples(embeddings, embeddings.mean(0));
      return;
    }
    const torch::Tensor classes = torch::tensor(labels, torch::kInt64).index_select(0, torch::tensor(positions, torch::kInt64));
    StartAtClassMeans(embeddings, classes, *std::max_element(labels.begin(), labels.end()) + 1, &learner->proxies());
  });
}

}  // namespace semblance::trainer
