// Upper bounds of rows' scores from 8-bit codes: with them a scan looks at full precision only at rows that may be among the best,
// and still finds what a scan of everything finds.
//
// Thread-safe for any number of readers beside one writer, of rows that the reader knows to be set.
//
// A vector x is x' + e: what its code stands for, and the rest. So <q, x> = <q', x'> + <q - q', x'> + <q, e>, of which the first is
// an exact integer times two scales, and the others are at most |q - q'| |x'| and |q| |e| (Cauchy and Schwarz). For unit vectors of
// 64 components the bound is about 0.01 above the score.
#ifndef SEMBLANCE_INDEX_ROWS_ROW_BOUNDS_H_
#define SEMBLANCE_INDEX_ROWS_ROW_BOUNDS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "index/kernels/kernel_vectors.h"
#include "index/kernels/kernels.h"
#include "index/rows/big_array.h"

namespace semblance::index {

class RowBounds {
 public:
  // Rows that are set together: a reader may look at a block when all of its rows are set.
  static constexpr int64_t kBlockRows = kInt8BlockRows;
  static constexpr int64_t kMaxBlocks = 16;

  RowBounds(int dimension, int64_t capacity);

  // REQUIRES: called by the writer, once a row.
  void SetRow(int64_t row, const float* vector);

  class Query {
   public:
    // `vector` has the dimension of the rows.
    Query(const RowBounds& rows, const float* vector);

   private:
    friend class RowBounds;

    std::vector<int8_t> codes_;
    float scale_ = 0;
    // What a row's norms count.
    float code_norm_weight_ = 0;
    float error_norm_weight_ = 0;
  };

  // The rows of the blocks first_block to first_block + blocks - 1 whose score may be `threshold` or more: every one whose
  // DotProduct with the query is, and few others. REQUIRES: blocks <= kMaxBlocks.
  void FindAbove(const Query& query, int64_t first_block, int64_t blocks, float threshold, std::vector<uint32_t>* rows) const;

  int64_t bytes_per_row() const { return padded_dimension_ + 3 * static_cast<int64_t>(sizeof(float)); }

 private:
  // Whether the scores of rows `row` to `row` + 3 may reach the threshold: -1 or 0.
  Vector<16>::Ints Above(const Query& query, int64_t row, const int32_t* products, float threshold) const;

  const int dimension_;
  const int padded_dimension_;
  BigArray<uint8_t> blocks_;
  BigArray<float> scales_;
  BigArray<float> code_norms_;
  BigArray<float> error_norms_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_ROWS_ROW_BOUNDS_H_
