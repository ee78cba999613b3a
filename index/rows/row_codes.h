// Rows with 8 bits per component. Indexes look for candidates in this form, because it needs a quarter of the memory and time of
// float32. The candidates are compared again at full precision.
//
// Thread-compatible: const methods may run concurrently.
//
// A component x is stored as 128 + round(x / scale), where the rounded value is saturated to [-127, 127]. All rows share one scale;
// a query has its own. Rows are padded with zeros to a multiple of 64 columns, which is a whole number of cache lines. The inner
// product of a row and a query is then an exact integer, proportional to that of the vectors up to rounding. For unit vectors of 64
// components the error is about 0.002.
#ifndef SEMBLANCE_INDEX_ROWS_ROW_CODES_H_
#define SEMBLANCE_INDEX_ROWS_ROW_CODES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "index/rows/big_array.h"

namespace semblance::index {

// Sets codes[i] = round(vector[i] / scale) with the scale at which the largest component becomes 127 or -127. Returns the scale,
// which is 1 for a vector of zeros. REQUIRES: `codes` has room for as many codes as there are components.
float EncodeInt8(absl::Span<const float> vector, int8_t* codes);

class RowCodes {
 public:
  RowCodes() = default;
  // Makes room for `rows` rows, none of which is set. REQUIRES: scale > 0.
  RowCodes(int dimension, int64_t rows, float scale);

  // Returns a scale for rows like the row-major `vectors`. It samples the components; of 10,000 of them, one is larger than 127
  // times the scale.
  static float ChooseScale(absl::Span<const float> vectors);

  void SetRow(int64_t row, const float* vector);

  // Encodes a query for the int8 kernels. The result is as long as a row.
  std::vector<int8_t> EncodeQuery(const float* vector) const;
  // Converts a coded row to a query.
  void RowAsQuery(const uint8_t* row, std::vector<int8_t>* query) const;

  int dimension() const { return dimension_; }
  // Returns the number of bytes of a row.
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
