#include "trainer/losses/proxy_softmax.h"

#include <algorithm>
#include <limits>

#include "embedder/torch/networks.h"

namespace semblance::trainer {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();
constexpr double kSmallestNorm = 1e-12;  // As NormalizeRows.

// What one chunk of proxies says about a batch.
struct Chunk {
  torch::Tensor norms;         // [chunk, 1]
  torch::Tensor unit_proxies;  // [chunk, D]
  torch::Tensor similarities;  // [N, chunk]; kNothing where a proxy does not count.
};

// proxy_classes is empty where every other proxy is a negative (a function takes no undefined tensors).
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
    chunk.similarities.masked_fill_(same.logical_and(is_positive.logical_not()), kNothing);
  }
  if (problem.negatives_only) {
    chunk.similarities.masked_fill_(is_positive, kNothing);
  }
  return chunk;
}

class ChunkedLogSumExp : public torch::autograd::Function<ChunkedLogSumExp> {
 public:
  // NOLINTNEXTLINE(readability-function-size): a function of autograd takes each of its inputs by itself.
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& embeddings,
                               const torch::Tensor& proxies, const torch::Tensor& positives, const torch::Tensor& labels,
                               const torch::Tensor& proxy_classes, double scale, bool negatives_only, int64_t chunk_rows) {
    const Problem problem = {embeddings, proxies, positives, labels, proxy_classes, scale, negatives_only};
    torch::Tensor total = torch::full({embeddings.size(0)}, kNothing, embeddings.options());
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
    // exp(-inf - inf) is 0: an example without any proxy has no gradient.
    const torch::Tensor total = saved[5].masked_fill(saved[5] == kNothing, -kNothing).unsqueeze(1);
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

// Over the proxies that the batch names.
torch::Tensor NamedLogSumExp(const torch::Tensor& unit_embeddings, const LossBatch& batch, const ProxySoftmaxOptions& options) {
  const torch::Tensor flat = batch.proxies.index_select(0, batch.negatives.flatten());
  const torch::Tensor named = embedder::NormalizeRows(flat).view({batch.negatives.size(0), batch.negatives.size(1), -1});
  const torch::Tensor similarities = options.scale * named.matmul(unit_embeddings.unsqueeze(2)).squeeze(2);
  const torch::Tensor is_positive = batch.negatives == batch.positives.unsqueeze(1);
  // A large negative number and not -inf, whose gradient would be no number where nothing else is in the sum.
  constexpr float kNegligible = -1e30F;
  const torch::Tensor total = similarities.masked_fill(is_positive, kNegligible).logsumexp(1);
  return options.negatives_only ? total : torch::logaddexp(total, PositiveSimilarities(unit_embeddings, batch, options.scale));
}

}  // namespace

torch::Tensor ProxyLogSumExp(const torch::Tensor& unit_embeddings, const LossBatch& batch, const ProxySoftmaxOptions& options) {
  if (batch.negatives.defined()) {
    return NamedLogSumExp(unit_embeddings, batch, options);
  }
  const torch::Tensor proxy_classes = batch.proxy_classes.defined() ? batch.proxy_classes : batch.positives.new_empty({0});
  return ChunkedLogSumExp::apply(unit_embeddings, batch.proxies, batch.positives, batch.labels, proxy_classes, options.scale,
                                 options.negatives_only, options.chunk_rows);
}

torch::Tensor PositiveSimilarities(const torch::Tensor& unit_embeddings, const LossBatch& batch, double scale) {
  return scale * (unit_embeddings * embedder::NormalizeRows(batch.proxies.index_select(0, batch.positives))).sum(1);
}

torch::Tensor SmoothedCrossEntropy(const torch::Tensor& unit_embeddings, const LossBatch& batch, double scale, double smoothing) {
  const torch::Tensor total = ProxyLogSumExp(unit_embeddings, batch, {.scale = scale});
  torch::Tensor target = PositiveSimilarities(unit_embeddings, batch, scale);
  if (smoothing > 0) {
    const torch::Tensor everything = scale * unit_embeddings.matmul(embedder::NormalizeRows(batch.proxies).mean(0));
    target = (1 - smoothing) * target + smoothing * everything;
  }
  return (total - target).mean();
}

}  // namespace semblance::trainer
