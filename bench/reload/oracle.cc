#include "bench/reload/oracle.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status_macros.h"
#include "embedder/embedder.h"

namespace semblance::bench {
namespace {

constexpr size_t kBatch = 32;
constexpr float kTolerance = 1e-3f;
constexpr char kIdPrefix[] = "item-";

absl::StatusOr<std::vector<float>> EmbedAll(const embedder::Embedder& embedder, const std::vector<std::string>& encoded) {
  const auto dimension = static_cast<size_t>(embedder.dimension());
  std::vector<float> vectors(encoded.size() * dimension);
  for (size_t begin = 0; begin < encoded.size(); begin += kBatch) {
    std::vector<embedder::Image> images;
    for (size_t i = begin; i < std::min(begin + kBatch, encoded.size()); ++i) {
      SEMBLANCE_ASSIGN_OR_RETURN(images.emplace_back(),
                                 embedder.preprocessor().DecodeAndPreprocess(encoded[i], embedder::DecodeLimits()));
    }
    SEMBLANCE_RETURN_IF_ERROR(
        embedder.Embed(images, absl::MakeSpan(vectors).subspan(begin * dimension, images.size() * dimension)));
  }
  return vectors;
}

}  // namespace

std::string Oracle::ItemId(size_t item) {
  return absl::StrCat(kIdPrefix, item);
}

absl::Status Oracle::AddGeneration(const std::string& generation, const std::string& bundle_dir) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<embedder::Embedder> embedder,
                             embedder::NewTorchEmbedder(bundle_dir, embedder::EmbedderOptions()));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<float> items, EmbedAll(*embedder, items_));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<float> queries, EmbedAll(*embedder, queries_));
  const auto dimension = static_cast<size_t>(embedder->dimension());
  std::vector<float> scores;
  scores.reserve(items_.size() * queries_.size());
  for (size_t q = 0; q < queries_.size(); ++q) {
    for (size_t i = 0; i < items_.size(); ++i) {
      float score = 0;
      for (size_t d = 0; d < dimension; ++d) {
        score += queries[q * dimension + d] * items[i * dimension + d];
      }
      scores.push_back(score);
    }
  }
  AddTruth(generation, {.embedding_space_id = embedder->manifest().embedding_space_id(), .scores = std::move(scores)});
  return absl::OkStatus();
}

bool Oracle::Agrees(size_t query, const v1::SearchResponse& answer, int top_k) const {
  const auto truth = truths_.find(answer.provenance().generation());
  if (truth == truths_.end() || truth->second.embedding_space_id != answer.provenance().embedding_space_id() ||
      answer.result().neighbors_size() != static_cast<int>(std::min(static_cast<size_t>(top_k), items_.size()))) {
    return false;
  }
  const float* scores = &truth->second.scores[query * items_.size()];
  std::set<size_t> found;
  float last = std::numeric_limits<float>::max();
  for (const v1::Neighbor& neighbor : answer.result().neighbors()) {
    absl::string_view number = neighbor.item_id();
    size_t item = 0;
    if (!absl::ConsumePrefix(&number, kIdPrefix) || !absl::SimpleAtoi(number, &item) || item >= items_.size() ||
        std::abs(scores[item] - neighbor.score()) > kTolerance) {
      return false;
    }
    found.insert(item);
    last = std::min(last, neighbor.score());
  }
  const auto must_be_found =
      std::count_if(scores, scores + items_.size(), [last](float score) { return score > last + kTolerance; });
  const auto rightly_found =
      std::count_if(found.begin(), found.end(), [scores, last](size_t item) { return scores[item] > last + kTolerance; });
  return must_be_found == rightly_found && found.size() == static_cast<size_t>(answer.result().neighbors_size());
}

}  // namespace semblance::bench
