// Upper bounds of the scores of rows, computed from 8-bit codes. A scan needs to compare only those rows at full precision whose
// bound is high enough, and still finds the same rows as a scan of everything.
//
// Thread-safe for any number of readers beside one writer. Readers may look only at rows that they know to be set.
//
// Write a vector as x = x' + e, where x' is the vector that its code represents and e is the error. Then <q, x> = <q', x'> +
// <q - q', x'> + <q, e>. The first term is an exact integer times two scales. By Cauchy and Schwarz, the others are at most
// |q - q'| |x'| and |q| |e|. For unit vectors of 64 components the bound is about 0.01 above the score.
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
  // Number of rows in a block. A reader may look at a block once all of its rows are set.
  static constexpr int64_t kBlockRows = kInt8BlockRows;
  static constexpr int64_t kMaxBlocks = 16;

  RowBounds(int dimension, int64_t capacity);

  // Sets a row. REQUIRES: called by the writer, once for each row.
  void SetRow(int64_t row, const float* vector);

  class Query {
   public:
    // `vector` has the dimension of the rows.
    Query(const RowBounds& rows, const float* vector);

   private:
    friend class RowBounds;

    std::vector<int8_t> codes_;
    float scale_ = 0;
    // Weights of the two norms of a row in its bound.
    float code_norm_weight_ = 0;
    float error_norm_weight_ = 0;
  };

  // Appends the rows of blocks first_block to first_block + blocks - 1 whose bound reaches `threshold`. These are all rows whose
  // DotProduct with the query is `threshold` or more, and few others. REQUIRES: blocks <= kMaxBlocks.
  void FindAbove(const Query& query, int64_t first_block, int64_t blocks, float threshold, std::vector<uint32_t>* rows) const;

  int64_t bytes_per_row() const { return padded_dimension_ + 3 * static_cast<int64_t>(sizeof(float)); }

 private:
  // Returns -1 for each of the rows `row` to `row` + 3 whose bound reaches the threshold, else 0.
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
