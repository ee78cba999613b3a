#include "index/rows/row_bounds.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "index/kernels/kernel_vectors.h"
#include "index/rows/row_codes.h"

namespace semblance::index {
namespace {

constexpr int kZero = 128;        // How a block stores 0.
constexpr int kGroupColumns = 4;  // Neighboring columns of a row lie together in a block.

constexpr int kLanes = Vector<16>::kLanes;

bool AnyOf(const Ints<16>& lanes) {
  uint64_t halves[2];
  std::memcpy(halves, &lanes, sizeof(halves));
  return (halves[0] | halves[1]) != 0;
}

int64_t BlocksFor(int64_t rows) {
  return (rows + kInt8BlockRows - 1) / kInt8BlockRows;
}

struct Norms {
  float code = 0;
  float error = 0;
};

// Returns the norms of the vector that the code represents, and of the error.
Norms NormsOf(absl::Span<const float> vector, const int8_t* codes, float scale) {
  double code = 0;
  double error = 0;
  for (size_t i = 0; i < vector.size(); ++i) {
    const double value = static_cast<double>(scale) * codes[i];
    code += value * value;
    error += (vector[i] - value) * (vector[i] - value);
  }
  return {static_cast<float>(std::sqrt(code)), static_cast<float>(std::sqrt(error))};
}

}  // namespace

RowBounds::RowBounds(int dimension, int64_t capacity)
    : dimension_(dimension),
      padded_dimension_((dimension + kGroupColumns - 1) / kGroupColumns * kGroupColumns),
      blocks_(static_cast<size_t>(BlocksFor(capacity) * kInt8BlockRows * padded_dimension_)),
      scales_(static_cast<size_t>(BlocksFor(capacity) * kInt8BlockRows)),
      code_norms_(scales_.size()),
      error_norms_(scales_.size()) {}

void RowBounds::SetRow(int64_t row, const float* vector) {
  std::vector<int8_t> codes(static_cast<size_t>(padded_dimension_));
  const absl::Span<const float> values(vector, static_cast<size_t>(dimension_));
  scales_[row] = EncodeInt8(values, codes.data());
  const Norms norms = NormsOf(values, codes.data(), scales_[row]);
  code_norms_[row] = norms.code;
  error_norms_[row] = norms.error;
  uint8_t* const block = blocks_.data() + row / kInt8BlockRows * kInt8BlockRows * padded_dimension_;
  for (int column = 0; column < padded_dimension_; ++column) {
    const int64_t group = int64_t{column / kGroupColumns} * kInt8BlockRows + row % kInt8BlockRows;
    block[group * kGroupColumns + column % kGroupColumns] = static_cast<uint8_t>(codes[column] + kZero);
  }
}

RowBounds::Query::Query(const RowBounds& rows, const float* vector) : codes_(static_cast<size_t>(rows.padded_dimension_)) {
  const absl::Span<const float> values(vector, static_cast<size_t>(rows.dimension_));
  scale_ = EncodeInt8(values, codes_.data());
  const Norms norms = NormsOf(values, codes_.data(), scale_);
  // The score, the bound and the norms are sums of floats, and each addition may round. The weights allow for that.
  const float rounding = static_cast<float>(rows.dimension_ + 16) * std::numeric_limits<float>::epsilon();
  const float norm = norms.code + norms.error;
  code_norm_weight_ = norms.error + rounding * norm;
  error_norm_weight_ = norm + rounding * norm;
}

void RowBounds::FindAbove(const Query& query, int64_t first_block, int64_t blocks, float threshold,
                          std::vector<uint32_t>* rows) const {
  // Sums of floats have no relative precision below the smallest normal number.
  const float reachable = threshold - std::numeric_limits<float>::min();
  int32_t products[kMaxBlocks * kBlockRows];
  const int64_t begin = first_block * kBlockRows;
  DotsInt8Blocks(Int8Query(query.codes_), blocks_.data() + begin * padded_dimension_, blocks, products);
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = begin + block * kBlockRows;
    Ints<16> above = {};
    for (int64_t i = 0; i < kBlockRows; i += kLanes) {
      above |= Above(query, first + i, products + block * kBlockRows + i, reachable);
    }
    if (!AnyOf(above)) {
      continue;
    }
    for (int64_t i = 0; i < kBlockRows; i += kLanes) {
      above = Above(query, first + i, products + block * kBlockRows + i, reachable);
      for (int lane = 0; lane < kLanes; ++lane) {
        if (above[lane] != 0) {
          rows->push_back(static_cast<uint32_t>(first + i + lane));
        }
      }
    }
  }
}

inline Ints<16> RowBounds::Above(const Query& query, int64_t row, const int32_t* products, float threshold) const {
  using Floats4 = Floats<16>;
  const auto load = [](const void* from, auto* vector) { std::memcpy(vector, from, sizeof(*vector)); };
  Ints<16> product;
  Floats4 scale;
  Floats4 code_norm;
  Floats4 error_norm;
  load(products, &product);
  load(scales_.data() + row, &scale);
  load(code_norms_.data() + row, &code_norm);
  load(error_norms_.data() + row, &error_norm);
  const Floats4 bound = __builtin_convertvector(product, Floats4) * (query.scale_ * scale) + query.code_norm_weight_ * code_norm +
                        query.error_norm_weight_ * error_norm;
  return bound >= threshold;
}

}  // namespace semblance::index
