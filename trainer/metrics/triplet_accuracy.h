// Measures how many triplets an embedding gets right.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TRAINER_METRICS_TRIPLET_ACCURACY_H_
#define SEMBLANCE_TRAINER_METRICS_TRIPLET_ACCURACY_H_

#include "absl/types/span.h"
#include "dataset/triplet_manifest.h"

namespace semblance::trainer {

// The share of the triplets whose anchor is nearer to its positive than to its negative. A tie counts as wrong, so an embedding
// that maps everything to one point gets 0. A random embedding gets about 0.5. `embeddings` is row-major with `dimension` columns,
// unit rows; a triplet names rows. REQUIRES: at least one triplet.
double TripletAccuracy(absl::Span<const float> embeddings, int dimension, absl::Span<const dataset::Triplet> triplets);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_METRICS_TRIPLET_ACCURACY_H_
