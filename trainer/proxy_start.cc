#include "trainer/proxy_start.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "trainer/evaluation.h"
#include "trainer/sampler.h"

namespace semblance {
namespace {

constexpr int64_t kMaxImages = 20'480;

}  // namespace

absl::Status StartProxies(const v1::TrainingConfig& config, const LabelledImages& train, Learner* learner) {
  if (!learner->uses_proxies() || config.proxies().initialization() == v1::ProxyConfig::INITIALIZATION_RANDOM) {
    return absl::OkStatus();
  }
  const std::vector<int64_t>& labels = *train.labels;
  PositionBatches batches = SampleBatches(train.images->size(), kMaxImages, config.seed());
  std::vector<int64_t> classes;
  for (const std::vector<int64_t>& batch : batches) {
    for (const int64_t position : batch) {
      classes.push_back(labels[static_cast<size_t>(position)]);
    }
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const torch::Tensor outputs,
                             ForwardAll(learner->net(), train, std::move(batches), config.loader_threads(), learner->device()));
  return CatchTorchErrors([&] {
    const torch::NoGradGuard no_grad;
    const torch::Tensor embeddings = NormalizeRows(outputs);
    const int64_t class_count = *std::max_element(labels.begin(), labels.end()) + 1;
    const torch::Tensor index = torch::tensor(classes, torch::kInt64);
    const torch::Tensor centre = embeddings.mean(0);
    const torch::Tensor sums = torch::zeros({class_count, embeddings.size(1)}).index_add(0, index, embeddings);
    const torch::Tensor counts = torch::zeros({class_count}).index_add(0, index, torch::ones({index.size(0)})).unsqueeze(1);
    // A class without examples in the sample: anywhere.
    const torch::Tensor anywhere = centre + NormalizeRows(torch::randn_like(sums));
    learner->proxies().StartAtClassMeans(torch::where(counts > 0, sums / counts.clamp_min(1), anywhere), centre);
  });
}

}  // namespace semblance
