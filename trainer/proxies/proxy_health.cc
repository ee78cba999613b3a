#include "trainer/proxies/proxy_health.h"

#include <algorithm>

#include "embedder/torch/networks.h"

namespace semblance::trainer {
namespace {

// With more pairs of an example and a proxy than this, nearest proxies are not searched: that would cost as much as the step.
constexpr int64_t kMaxProducts = int64_t{1} << 24;
constexpr int64_t kMaxNamedClasses = 10;
constexpr int64_t kMaxMeanComponents = int64_t{1} << 25;

}  // namespace

ProxyHealthMeter::ProxyHealthMeter(const Proxies* proxies, int64_t class_count) : proxies_(*proxies), class_count_(class_count) {
  Reset();
}

void ProxyHealthMeter::Reset() {
  const torch::Tensor& values = proxies_.values();
  const auto flags = torch::TensorOptions(torch::kBool).device(values.device());
  const auto floats = torch::TensorOptions(torch::kFloat32).device(values.device());
  steps_ = moves_ = examples_ = nearest_ = undecided_ = 0;
  norm_sum_ = gradient_norm_sum_ = 0;
  bound_ = {};
  has_gradient_ = torch::zeros({values.size(0)}, flags);
  is_positive_ = torch::zeros({values.size(0)}, flags);
  const bool keeps_means = class_count_ * values.size(1) <= kMaxMeanComponents;
  class_sums_ = torch::zeros({keeps_means ? class_count_ : 0, values.size(1)}, floats);
  class_counts_ = torch::zeros({class_count_}, floats);
  is_astray_ = torch::zeros({class_count_}, flags);
}

void ProxyHealthMeter::ObserveGradients() {
  ++steps_;
  const torch::Tensor& gradient = proxies_.values().grad();
  if (!gradient.defined()) {
    return;
  }
  const torch::Tensor norms = gradient.norm(2, 1);
  gradient_norm_sum_ += norms.mean().item<double>();
  has_gradient_.logical_or_(norms > 0);
}

void ProxyHealthMeter::Observe(const TripletBatch& triplets) {
  const torch::NoGradGuard no_grad;
  ObserveGradients();
  const torch::Tensor anchors = proxies_.NearestTo(embedder::NormalizeRows(triplets.anchors.detach()));
  const torch::Tensor positives = proxies_.NearestTo(embedder::NormalizeRows(triplets.positives.detach()));
  const torch::Tensor negatives = proxies_.NearestTo(embedder::NormalizeRows(triplets.negatives.detach()));
  is_positive_.index_fill_(0, torch::cat({anchors, positives, negatives}), true);
  nearest_ += (anchors == positives).sum().item<int64_t>();
  undecided_ += (positives == negatives).sum().item<int64_t>();
  examples_ += anchors.size(0);
}

void ProxyHealthMeter::Observe(const PairBatch& examples, const ProxyBatch& matched, const BoundLengths& lengths) {
  const torch::NoGradGuard no_grad;
  ObserveGradients();
  const torch::Tensor embeddings = embedder::NormalizeRows(examples.embeddings.detach());
  const torch::Tensor own = embedder::NormalizeRows(matched.proxies.detach().index_select(0, matched.positives));
  bound_.Add(MeasureNcaBound({embeddings, own, examples.labels}, lengths.embedding_scale, lengths.proxy_scale));
  if (class_sums_.numel() > 0) {
    class_sums_.index_add_(0, examples.labels, embeddings);
  }
  class_counts_.index_add_(0, examples.labels, torch::ones({embeddings.size(0)}, class_counts_.options()));
  if (matched.proxies.size(0) == proxies_.count()) {
    is_positive_.index_fill_(0, matched.positives, true);
  } else if (proxies_.is_static()) {  // The positives are rows of a sample of the proxies.
    is_positive_.index_fill_(0, proxies_.RowsOf(examples.labels).flatten(), true);
  }
  if (proxies_.is_static() && embeddings.size(0) * proxies_.count() <= kMaxProducts) {
    ObserveNearest(embeddings, examples.labels);
  }
}

void ProxyHealthMeter::ObserveNearest(const torch::Tensor& unit_embeddings, const torch::Tensor& labels) {
  const torch::Tensor is_nearest = proxies_.IsNearestToItsClass(unit_embeddings, labels);
  nearest_ += is_nearest.sum().item<int64_t>();
  is_astray_.index_fill_(0, labels.masked_select(is_nearest.logical_not()), true);
  examples_ += labels.size(0);
}

void ProxyHealthMeter::ObserveMoved() {
  const torch::NoGradGuard no_grad;
  ++moves_;
  norm_sum_ += proxies_.values().norm(2, 1).mean().item<double>();
}

ProxyHealth ProxyHealthMeter::Take() {
  const torch::NoGradGuard no_grad;
  ProxyHealth health;
  health.mean_norm = norm_sum_ / static_cast<double>(std::max<int64_t>(moves_, 1));
  health.mean_gradient_norm = gradient_norm_sum_ / static_cast<double>(std::max<int64_t>(steps_, 1));
  health.dead = is_positive_.logical_not().sum().item<int64_t>();
  health.nearest_proxy_accuracy = static_cast<double>(nearest_) / static_cast<double>(std::max<int64_t>(examples_, 1));
  health.of_triplets = class_count_ == 0;
  health.undecided = static_cast<double>(undecided_) / static_cast<double>(std::max<int64_t>(examples_, 1));
  health.bound = bound_;
  if (const torch::Tensor seen = (class_counts_ > 0).nonzero().squeeze(1); proxies_.is_static() && seen.size(0) > 0) {
    ReportClasses(seen, &health);
  }
  Reset();
  return health;
}

void ProxyHealthMeter::ReportClasses(const torch::Tensor& seen, ProxyHealth* health) const {
  const torch::Tensor rows = proxies_.RowsOf(seen);
  if (class_sums_.numel() > 0) {
    const torch::Tensor means = embedder::NormalizeRows(class_sums_.index_select(0, seen));
    const torch::Tensor own = proxies_.values().index_select(0, rows.flatten()).view({rows.size(0), rows.size(1), -1});
    const torch::Tensor cosines = own.matmul(means.unsqueeze(2)).squeeze(2).amax(1);
    health->mean_cosine_to_class = cosines.mean().item<double>();
    health->least_cosine_to_class = cosines.min().item<double>();
  }
  const torch::Tensor is_still = has_gradient_.logical_not().index_select(0, rows.flatten()).view_as(rows).any(1);
  const torch::Tensor stuck = seen.masked_select(is_still.logical_and(is_astray_.index_select(0, seen))).to(torch::kCPU);
  health->stuck = stuck.size(0);
  for (int64_t i = 0; i < std::min(health->stuck, kMaxNamedClasses); ++i) {
    health->stuck_classes.push_back(stuck[i].item<int64_t>());
  }
}

}  // namespace semblance::trainer
