// Rows at 8 bits a component: the form in which indexes look for candidates, a quarter of the memory and of the time of float32.
// The candidates are compared again at full precision.
//
// Thread-compatible: const methods may run concurrently.
//
// A component x becomes round(x / scale), saturated to [-127, 127], stored plus 128; the scale is one for all rows. The columns are
// padded with zeros to a multiple of 64, so that a row is a whole number of cache lines. A query has a scale of its own. The inner
// product of row and query is then an exact integer, proportional to that of the vectors up to rounding: on unit vectors of 64
// components its error is about 0.002.
#ifndef SEMBLANCE_INDEX_ROWS_ROW_CODES_H_
#define SEMBLANCE_INDEX_ROWS_ROW_CODES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "index/rows/big_array.h"

namespace semblance::index {

// codes[i] = round(vector[i] / scale), in [-127, 127], where the largest component becomes 127 or -127. Returns the scale; 1 for a
// vector of zeros. REQUIRES: room for as many codes as components.
float EncodeInt8(absl::Span<const float> vector, int8_t* codes);

class RowCodes {
 public:
  RowCodes() = default;
  // For `rows` rows, not yet set. REQUIRES: scale > 0.
  RowCodes(int dimension, int64_t rows, float scale);

  // Of a few thousand of the row-major `vectors`, the largest component but for one in ten thousand, as 127.
  static float ChooseScale(absl::Span<const float> vectors);

  void SetRow(int64_t row, const float* vector);

  // A query for the int8 kernels, as long as a row's code.
  std::vector<int8_t> EncodeQuery(const float* vector) const;
  // A coded row as a query.
  void RowAsQuery(const uint8_t* row, std::vector<int8_t>* query) const;

  int dimension() const { return dimension_; }
  // Bytes of a row.
  int stride() const { return stride_; }
  float scale() const { return scale_; }
  int64_t rows() const { return rows_; }
  const uint8_t* row(int64_t row) const { return codes_.data() + row * stride_; }
  uint8_t* mutable_row(int64_t row) { return codes_.data() + row * stride_; }
  size_t bytes() const { return codes_.bytes(); }

 private:
  int dimension_ = 0;
  int stride_ = 0;
  float scale_ = 1;
  int64_t rows_ = 0;
  BigArray<uint8_t> codes_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_ROWS_ROW_CODES_H_
