#include "trainer/losses/proxy_softmax.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "embedder/torch/networks.h"

namespace semblance::trainer {
namespace {

constexpr float kEmptySum = -std::numeric_limits<float>::infinity();
constexpr double kSmallestNorm = 1e-12;  // The same as in NormalizeRows.

struct Chunk {
  torch::Tensor norms;         // [chunk, 1]
  torch::Tensor unit_proxies;  // [chunk, D]
  torch::Tensor similarities;  // [N, chunk]; kEmptySum where a proxy does not count
};

// The inputs of ChunkedLogSumExp. labels and proxy_classes are empty where every other proxy is a negative, because a function of
// autograd cannot save undefined tensors.
struct Problem {
  torch::Tensor embeddings;
  torch::Tensor proxies;
  torch::Tensor positives;
  torch::Tensor labels;
  torch::Tensor proxy_classes;
  double scale;
  bool negatives_only;
};

Chunk ChunkOf(const Problem& problem, int64_t begin, int64_t end) {
  const torch::Tensor raw = problem.proxies.slice(0, begin, end);
  Chunk chunk;
  chunk.norms = raw.norm(2, 1, /*keepdim=*/true).clamp_min(kSmallestNorm);
  chunk.unit_proxies = raw / chunk.norms;
  chunk.similarities = problem.embeddings.matmul(chunk.unit_proxies.t()).mul_(problem.scale);
  const torch::Tensor rows = torch::arange(begin, end, problem.positives.options()).unsqueeze(0);
  const torch::Tensor is_positive = rows == problem.positives.unsqueeze(1);
  if (problem.proxy_classes.numel() > 0) {
    const torch::Tensor same = problem.proxy_classes.slice(0, begin, end).unsqueeze(0) == problem.labels.unsqueeze(1);
    chunk.similarities.masked_fill_(same.logical_and(is_positive.logical_not()), kEmptySum);
  }
  if (problem.negatives_only) {
    chunk.similarities.masked_fill_(is_positive, kEmptySum);
  }
  return chunk;
}

class ChunkedLogSumExp : public torch::autograd::Function<ChunkedLogSumExp> {
 public:
  // NOLINTNEXTLINE(readability-function-size): autograd wants each input as an argument of its own.
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& embeddings,
                               const torch::Tensor& proxies, const torch::Tensor& positives, const torch::Tensor& labels,
                               const torch::Tensor& proxy_classes, double scale, bool negatives_only, int64_t chunk_rows) {
    const Problem problem = {embeddings, proxies, positives, labels, proxy_classes, scale, negatives_only};
    torch::Tensor total = torch::full({embeddings.size(0)}, kEmptySum, embeddings.options());
    for (int64_t begin = 0; begin < proxies.size(0); begin += chunk_rows) {
      const Chunk chunk = ChunkOf(problem, begin, std::min(begin + chunk_rows, proxies.size(0)));
      total = torch::logaddexp(total, chunk.similarities.logsumexp(1));
    }
    context->save_for_backward({embeddings, proxies, positives, labels, proxy_classes, total});
    context->saved_data["scale"] = scale;
    context->saved_data["negatives_only"] = negatives_only;
    context->saved_data["chunk_rows"] = chunk_rows;
    return total;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const Problem problem = {saved[0],
                             saved[1],
                             saved[2],
                             saved[3],
                             saved[4],
                             context->saved_data["scale"].toDouble(),
                             context->saved_data["negatives_only"].toBool()};
    // exp(-inf - inf) is 0, so an example without any proxy gets no gradient.
    const torch::Tensor total = saved[5].masked_fill(saved[5] == kEmptySum, -kEmptySum).unsqueeze(1);
    const torch::Tensor weight = (gradients[0] * problem.scale).unsqueeze(1);
    const int64_t chunk_rows = context->saved_data["chunk_rows"].toInt();
    torch::Tensor embeddings_gradient = torch::zeros_like(problem.embeddings);
    torch::Tensor proxies_gradient = torch::empty_like(problem.proxies);
    for (int64_t begin = 0; begin < problem.proxies.size(0); begin += chunk_rows) {
      const int64_t end = std::min(begin + chunk_rows, problem.proxies.size(0));
      Chunk chunk = ChunkOf(problem, begin, end);
      const torch::Tensor shares = chunk.similarities.sub_(total).exp_().mul_(weight);
      embeddings_gradient.addmm_(shares, chunk.unit_proxies);
      const torch::Tensor unit_gradient = shares.t().matmul(problem.embeddings);
      const torch::Tensor along = (unit_gradient * chunk.unit_proxies).sum(1, /*keepdim=*/true);
      proxies_gradient.slice(0, begin, end).copy_((unit_gradient - along * chunk.unit_proxies) / chunk.norms);
    }
    const torch::Tensor none;
    return {embeddings_gradient, proxies_gradient, none, none, none, none, none, none};
  }
};

torch::Tensor NamedLogSumExp(const torch::Tensor& unit_embeddings, const ProxyBatch& batch, const torch::Tensor& rows,
                             const ProxySoftmaxOptions& options) {
  const torch::Tensor flat = batch.proxies.index_select(0, rows.flatten());
  const torch::Tensor named = embedder::NormalizeRows(flat).view({rows.size(0), rows.size(1), -1});
  const torch::Tensor similarities = options.scale * named.matmul(unit_embeddings.unsqueeze(2)).squeeze(2);
  const torch::Tensor is_positive = rows == batch.positives.unsqueeze(1);
  // The gradient of logsumexp is not a number where all terms are -inf. So the terms that do not count get a finite number whose
  // exponential is 0, and empty sums are set afterwards.
  constexpr float kVanishing = -1e30F;
  const torch::Tensor sums = similarities.masked_fill(is_positive, kVanishing).logsumexp(1);
  const torch::Tensor total = sums.masked_fill(is_positive.all(1), kEmptySum);
  return options.negatives_only ? total : torch::logaddexp(total, PositiveSimilarities(unit_embeddings, batch, options.scale));
}

}  // namespace

torch::Tensor ProxyLogSumExp(const torch::Tensor& unit_embeddings, const ProxyBatch& batch, const ProxySoftmaxOptions& options) {
  if (const auto* named = std::get_if<NamedProxies>(&batch.negatives)) {
    return NamedLogSumExp(unit_embeddings, batch, named->rows, options);
  }
  const auto* const classes = std::get_if<ProxiesOfOtherClasses>(&batch.negatives);
  const torch::Tensor none = batch.positives.new_empty({0});
  return ChunkedLogSumExp::apply(
      unit_embeddings, batch.proxies, batch.positives, classes == nullptr ? none : classes->example_classes,
      classes == nullptr ? none : classes->proxy_classes, options.scale, options.negatives_only, options.chunk_rows);
}

torch::Tensor PositiveSimilarities(const torch::Tensor& unit_embeddings, const ProxyBatch& batch, double scale) {
  return scale * (unit_embeddings * embedder::NormalizeRows(batch.proxies.index_select(0, batch.positives))).sum(1);
}

torch::Tensor SmoothedCrossEntropy(const torch::Tensor& unit_embeddings, const ProxyBatch& batch, double scale, double smoothing) {
  const torch::Tensor total = ProxyLogSumExp(unit_embeddings, batch, {.scale = scale});
  torch::Tensor target = PositiveSimilarities(unit_embeddings, batch, scale);
  if (smoothing > 0) {
    const torch::Tensor everything = scale * unit_embeddings.matmul(embedder::NormalizeRows(batch.proxies).mean(0));
    target = (1 - smoothing) * target + smoothing * everything;
  }
  return (total - target).mean();
}

}  // namespace semblance::trainer
