#include "bench/demo/raw_pixels.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/status_macros.h"
#include "index/exact_search.h"

namespace semblance::bench {
namespace {

constexpr int kMaxSide = 32;

// Scales to unit length. A black image stays zero.
void AppendNormalized(const embedder::Image& image, std::vector<float>& rows) {
  double squared_norm = 0;
  for (const uint8_t value : image.pixels) {
    squared_norm += double{static_cast<double>(value)} * value;
  }
  const double scale = squared_norm > 0 ? 1 / std::sqrt(squared_norm) : 0;
  for (const uint8_t value : image.pixels) {
    rows.push_back(static_cast<float>(value * scale));
  }
}

}  // namespace

absl::StatusOr<double> RawPixelRecallAt1(const dataset::Dataset& dataset, absl::Span<const int64_t> indices,
                                         const storage::v1::Preprocessing& preprocessing) {
  storage::v1::Preprocessing small = preprocessing;
  small.set_resize_side(std::min(small.resize_side(), kMaxSide));
  small.set_crop_side(std::min(small.crop_side(), small.resize_side()));
  SEMBLANCE_ASSIGN_OR_RETURN(const embedder::Preprocessor preprocessor, embedder::Preprocessor::Create(small));
  std::vector<float> rows;
  for (const int64_t index : indices) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string encoded, dataset.ReadImage(index));
    SEMBLANCE_ASSIGN_OR_RETURN(const embedder::Image image, preprocessor.DecodeAndPreprocess(encoded, embedder::DecodeLimits()));
    AppendNormalized(image, rows);
  }
  const int dimension = small.crop_side() * small.crop_side() * small.channels();
  // The image itself is among the first two, unless two others have the same pixels.
  constexpr int kNeighbors = 2;
  SEMBLANCE_ASSIGN_OR_RETURN(const index::ExactNeighbors found, index::ExactSearch(rows, rows, dimension, kNeighbors));
  int64_t hits = 0;
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t first = found.indices[i * kNeighbors];
    const int64_t nearest = first == static_cast<int64_t>(i) ? found.indices[i * kNeighbors + 1] : first;
    hits +=
        nearest >= 0 && dataset.example(indices[static_cast<size_t>(nearest)]).label == dataset.example(indices[i]).label ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(indices.size());
}

}  // namespace semblance::bench
