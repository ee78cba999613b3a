// The baseline without a model compares the pixels themselves.
#ifndef SEMBLANCE_BENCH_DEMO_RAW_PIXELS_H_
#define SEMBLANCE_BENCH_DEMO_RAW_PIXELS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "dataset/dataset.h"
#include "embedder/image/preprocess.h"

namespace semblance::bench {

// Returns the share of the images at `indices` whose nearest other image has the same label. Images are compared by the cosine of
// their preprocessed pixels (resized to at most 32 x 32). Thread-safe. Errors: the errors of reading and decoding.
absl::StatusOr<double> RawPixelRecallAt1(const dataset::Dataset& dataset, absl::Span<const int64_t> indices,
                                         const storage::v1::Preprocessing& preprocessing);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_DEMO_RAW_PIXELS_H_
