#include "trainer/proxies/proxies.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "embedder/torch/networks.h"
#include "trainer/data/random.h"

namespace semblance::trainer {
namespace {

// Several proxies of one class start at this distance from its mean, relative to the mean's length. They are then far enough apart
// to separate, and near enough to represent the class.
constexpr double kSpread = 0.3;
constexpr double kJitter = 0.01;

// Differs from the streams of other uses of the seed, which are epochs.
constexpr uint64_t kSharingStream = 0x70726f78;

// The proxy of each class. The numbers of classes of any two proxies differ by one at most.
torch::Tensor ShareProxies(int64_t class_count, int64_t proxy_count, uint64_t seed) {
  std::vector<int64_t> rows(static_cast<size_t>(class_count));
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<int64_t>(i) % proxy_count;
  }
  Random random(seed, kSharingStream, /*index=*/0);
  for (size_t i = rows.size(); i > 1; --i) {
    std::swap(rows[i - 1], rows[random.Below(i)]);
  }
  return torch::tensor(rows, torch::kInt64);
}

// For each example, the next one of its class; for the last one of a class, the first. An example without another of its class is
// its own partner.
torch::Tensor Partners(const torch::Tensor& labels) {
  const torch::Tensor host = labels.to(torch::kCPU).contiguous();
  const int64_t* const label = host.data_ptr<int64_t>();
  std::vector<int64_t> partners(static_cast<size_t>(host.size(0)));
  std::map<int64_t, std::pair<int64_t, int64_t>> first_and_last;  // Keyed by class.
  for (int64_t i = 0; i < host.size(0); ++i) {
    const auto [place, is_new] = first_and_last.emplace(label[i], std::make_pair(i, i));
    partners[static_cast<size_t>(place->second.second)] = i;
    place->second.second = i;
  }
  for (const auto& [unused, ends] : first_and_last) {
    partners[static_cast<size_t>(ends.second)] = ends.first;
  }
  return torch::tensor(partners, labels.options());
}

}  // namespace

int64_t Proxies::Count(const v1::ProxyConfig& config, int64_t class_count) {
  if (config.count() > 0) {
    return config.count();
  }
  return static_cast<int64_t>(std::llround(std::max(1.0, config.per_class() * static_cast<double>(class_count))));
}

// Draws on the CPU, so that training starts from the same proxies on every device.
Proxies::Proxies(const v1::ProxyConfig& config, int64_t class_count, int64_t dimension, uint64_t seed, torch::Device device)
    : class_count_(class_count),
      per_class_(std::max<int64_t>(1, static_cast<int64_t>(config.per_class()))),
      is_dynamic_(config.assignment() == v1::ProxyConfig::ASSIGNMENT_DYNAMIC),
      sampled_negatives_(config.sampled_negatives()),
      values_(embedder::NormalizeRows(torch::randn({Count(config, class_count), dimension})).to(device).requires_grad_()) {
  if (is_dynamic_) {
    return;
  }
  if (count() < class_count) {
    shared_rows_ = ShareProxies(class_count, count(), seed).to(device);
  } else if (per_class_ > 1) {
    classes_ = torch::arange(class_count, torch::TensorOptions(torch::kInt64).device(device)).repeat_interleave(per_class_);
  }
}

torch::Tensor Proxies::RowsOf(const torch::Tensor& labels) const {
  if (shared_rows_.defined()) {
    return shared_rows_.index_select(0, labels).unsqueeze(1);
  }
  return labels.unsqueeze(1) * per_class_ + torch::arange(per_class_, labels.options()).unsqueeze(0);
}

torch::Tensor Proxies::Nearest(const torch::Tensor& unit_embeddings, const torch::Tensor& candidates) const {
  const torch::NoGradGuard no_grad;
  if (!candidates.defined()) {
    return unit_embeddings.matmul(values_.t()).argmax(1);
  }
  const torch::Tensor rows = values_.index_select(0, candidates.flatten()).view({candidates.size(0), candidates.size(1), -1});
  const torch::Tensor best = rows.matmul(unit_embeddings.unsqueeze(2)).squeeze(2).argmax(1);
  return candidates.gather(1, best.unsqueeze(1)).squeeze(1);
}

ProxyBatch Proxies::Match(const PairBatch& examples) const {
  const torch::NoGradGuard no_grad;
  const bool has_one_per_class = !is_dynamic_ && per_class_ == 1;
  if (has_one_per_class) {
    return WithSampledNegatives({examples.embeddings, values_, RowsOf(examples.labels).squeeze(1), AllOtherProxies()});
  }
  const torch::Tensor unit_embeddings = embedder::NormalizeRows(examples.embeddings.detach());
  if (is_dynamic_) {
    const torch::Tensor partners = unit_embeddings.index_select(0, Partners(examples.labels));
    return {examples.embeddings, values_, Nearest(partners, {}), AllOtherProxies()};
  }
  return {examples.embeddings, values_, Nearest(unit_embeddings, RowsOf(examples.labels)),
          ProxiesOfOtherClasses{examples.labels, classes_}};
}

ProxyBatch Proxies::Match(const TripletBatch& triplets) const {
  const torch::Tensor positives = NearestTo(embedder::NormalizeRows(triplets.positives.detach()));
  const torch::Tensor negatives = NearestTo(embedder::NormalizeRows(triplets.negatives.detach()));
  const torch::Tensor is_undecided = positives == negatives;
  const torch::Tensor own = torch::arange(positives.size(0), positives.options());
  ProxyBatch batch;
  batch.embeddings = triplets.anchors;
  batch.proxies = torch::cat({values_, triplets.positives, triplets.negatives});
  batch.positives = torch::where(is_undecided, count() + own, positives);
  batch.negatives = NamedProxies{torch::where(is_undecided, count() + own.size(0) + own, negatives).unsqueeze(1)};
  return batch;
}

ProxyBatch Proxies::WithSampledNegatives(ProxyBatch batch) const {
  if (sampled_negatives_ == 0 || sampled_negatives_ >= count()) {
    return batch;
  }
  const torch::Tensor drawn = torch::randint(count(), {sampled_negatives_}, torch::kInt64).to(batch.positives.device());
  const auto [rows, places, unused] = at::_unique2(torch::cat({batch.positives, drawn}), /*sorted=*/true, /*return_inverse=*/true);
  batch.positives = places.slice(0, 0, batch.positives.size(0));
  const torch::AutoGradMode with_gradients(true);
  batch.proxies = values_.index_select(0, rows);
  return batch;
}

torch::Tensor Proxies::IsNearestToItsClass(const torch::Tensor& unit_embeddings, const torch::Tensor& labels) const {
  return (RowsOf(labels) == Nearest(unit_embeddings, {}).unsqueeze(1)).any(1);
}

// Works in place, because a copy of very many proxies would need much memory.
void Proxies::Renormalize() {
  constexpr double kSmallestNorm = 1e-12;  // The same as in NormalizeRows.
  const torch::NoGradGuard no_grad;
  values_.div_(values_.norm(2, 1, /*keepdim=*/true).clamp_min(kSmallestNorm));
}

void Proxies::Assign(const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  values_.copy_(embedder::NormalizeRows(values));
}

void Proxies::Restore(const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  values_.copy_(values);
}

void Proxies::StartAtClassMeans(const torch::Tensor& means, const torch::Tensor& center) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor offsets = embedder::NormalizeRows(means.to(torch::kCPU) - center.to(torch::kCPU));
  if (shared_rows_.defined()) {
    const torch::Tensor sums = torch::zeros({count(), values_.size(1)}).index_add(0, shared_rows(), offsets);
    // The directions of two opposite classes cancel, and a random one remains.
    Assign(sums + kJitter * embedder::NormalizeRows(torch::randn_like(sums)));
    return;
  }
  const torch::Tensor classes = is_dynamic_ ? torch::randint(class_count_, {count()}, torch::kInt64)
                                            : torch::arange(class_count_).repeat_interleave(per_class_);
  torch::Tensor starts = offsets.index_select(0, classes);
  if (count() > class_count_ || is_dynamic_) {
    starts = starts + kSpread * embedder::NormalizeRows(torch::randn_like(starts));
  }
  Assign(starts);
}

void Proxies::StartAtExamples(const torch::Tensor& examples, const torch::Tensor& center) {
  const torch::NoGradGuard no_grad;
  const int64_t rounds = (count() + examples.size(0) - 1) / examples.size(0);
  const torch::Tensor drawn = torch::randperm(examples.size(0)).repeat({rounds}).slice(0, 0, count());
  const torch::Tensor starts = embedder::NormalizeRows(examples.to(torch::kCPU) - center.to(torch::kCPU)).index_select(0, drawn);
  Assign(rounds > 1 ? starts + kSpread * embedder::NormalizeRows(torch::randn_like(starts)) : starts);
}

}  // namespace semblance::trainer
