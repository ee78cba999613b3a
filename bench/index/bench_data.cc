#include "bench/index/bench_data.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "common/progress.h"
#include "common/status_macros.h"
#include "common/threads/thread_pool.h"
#include "dataset/dataset.h"
#include "embedder/embedder.h"
#include "index/exact_search.h"

namespace semblance::bench {
namespace {

constexpr int64_t kRowsPerCluster = 50;
// The length of the noise. The centers have the length 1.
constexpr float kNoise = 0.96F;

void Normalize(absl::Span<float> vector) {
  float squares = 0;
  for (const float value : vector) {
    squares += value * value;
  }
  const float scale = 1 / std::sqrt(squares);
  for (float& value : vector) {
    value *= scale;
  }
}

std::vector<float> AroundCenters(const std::vector<float>& centers, int dimension, int64_t rows, std::mt19937* random) {
  std::normal_distribution<float> noise(0, kNoise / std::sqrt(static_cast<float>(dimension)));
  std::vector<float> values(static_cast<size_t>(rows) * dimension);
  for (size_t begin = 0; begin < values.size(); begin += dimension) {
    const float* const center = &centers[(*random)() % (centers.size() / dimension) * dimension];
    std::transform(center, center + dimension, values.begin() + static_cast<std::ptrdiff_t>(begin),
                   [&](float value) { return value + noise(*random); });
    Normalize(absl::MakeSpan(values).subspan(begin, dimension));
  }
  return values;
}

absl::Status FindTruth(BenchData* data) {
  SEMBLANCE_ASSIGN_OR_RETURN(index::ExactNeighbors nearest, index::ExactSearch(data->queries, data->base, data->dimension, kTopK));
  data->truth = std::move(nearest.indices);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BenchData> MakeClusters(int dimension, int64_t rows) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> centers(static_cast<size_t>(std::max<int64_t>(1, rows / kRowsPerCluster)) * dimension);
  for (size_t begin = 0; begin < centers.size(); begin += dimension) {
    const absl::Span<float> center = absl::MakeSpan(centers).subspan(begin, dimension);
    std::generate(center.begin(), center.end(), [&] { return normal(random); });
    Normalize(center);
  }
  BenchData data;
  data.dimension = dimension;
  data.base = AroundCenters(centers, dimension, rows, &random);
  data.queries = AroundCenters(centers, dimension, kQueries, &random);
  SEMBLANCE_RETURN_IF_ERROR(FindTruth(&data));
  return data;
}

absl::StatusOr<BenchData> EmbedDataset(const std::string& bundle, const std::string& dataset) {
  SEMBLANCE_ASSIGN_OR_RETURN(const auto images, dataset::OpenDataset(dataset));
  SEMBLANCE_ASSIGN_OR_RETURN(const auto embedder, embedder::NewTorchEmbedder(bundle, {.threads = CoreCount()}));
  if (images->size() < int64_t{2} * kQueries) {
    return absl::InvalidArgumentError("the data set has too few images to measure with: at least 2,000 are needed");
  }
  BenchData data;
  data.dimension = embedder->dimension();
  ProgressReporter progress("embed", images->size(), "images");
  constexpr int64_t kBatch = 64;
  for (int64_t begin = 0; begin < images->size(); begin += kBatch) {
    std::vector<embedder::Image> batch;
    for (int64_t i = begin; i < std::min(images->size(), begin + kBatch); ++i) {
      SEMBLANCE_ASSIGN_OR_RETURN(const std::string encoded, images->ReadImage(i));
      SEMBLANCE_ASSIGN_OR_RETURN(embedder::Image image,
                                 embedder->preprocessor().DecodeAndPreprocess(encoded, embedder::DecodeLimits()));
      batch.push_back(std::move(image));
    }
    std::vector<float> vectors(batch.size() * data.dimension);
    SEMBLANCE_RETURN_IF_ERROR(embedder->Embed(batch, absl::MakeSpan(vectors)));
    // Queries are taken at equal distances, so that all classes are among them.
    const int64_t step = images->size() / kQueries;
    for (size_t i = 0; i < batch.size(); ++i) {
      const int64_t image = begin + static_cast<int64_t>(i);
      const bool is_query = image % step == 0 && image / step < kQueries;
      std::vector<float>& to = is_query ? data.queries : data.base;
      const auto vector = vectors.begin() + static_cast<std::ptrdiff_t>(i * data.dimension);
      to.insert(to.end(), vector, vector + data.dimension);
    }
    progress.Update(begin + static_cast<int64_t>(batch.size()), "");
  }
  progress.Finish("");
  SEMBLANCE_RETURN_IF_ERROR(FindTruth(&data));
  return data;
}

double Recall(const BenchData& data, const std::vector<int64_t>& found) {
  int64_t hits = 0;
  for (size_t begin = 0; begin < found.size(); begin += kTopK) {
    const auto truth = data.truth.begin() + static_cast<std::ptrdiff_t>(begin);
    for (size_t i = begin; i < begin + kTopK; ++i) {
      hits += std::count(truth, truth + kTopK, found[i]);
    }
  }
  return static_cast<double>(hits) / static_cast<double>(found.size());
}

}  // namespace semblance::bench
