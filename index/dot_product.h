// Inner products of float vectors, by the widest vector instructions that the processor has.
//
// Thread-safe: functions without state. A pair of vectors has the same score in every call of one process, alone or in a block: so
// a row keeps its score when its segment is sealed.
#ifndef SEMBLANCE_INDEX_DOT_PRODUCT_H_
#define SEMBLANCE_INDEX_DOT_PRODUCT_H_

#include <cstdint>

namespace semblance {

// scores[i] = <query, row i> for `count` rows, row-major with `dimension` columns. No alignment is needed.
void DotProducts(const float* query, const float* rows, int64_t count, int dimension, float* scores);

inline float DotProduct(const float* a, const float* b, int dimension) {
  float score = 0;
  DotProducts(a, b, 1, dimension, &score);
  return score;
}

}  // namespace semblance

#endif  // SEMBLANCE_INDEX_DOT_PRODUCT_H_
