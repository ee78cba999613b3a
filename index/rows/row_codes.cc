#include "index/rows/row_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace semblance::index {
namespace {

constexpr int kZero = 128;
constexpr float kLargest = 127;
constexpr int kCacheLine = 64;

int8_t Quantize(float value, float scale) {
  return static_cast<int8_t>(std::lrint(std::clamp(value / scale, -kLargest, kLargest)));
}

}  // namespace

float EncodeInt8(absl::Span<const float> vector, int8_t* codes) {
  float largest = 0;
  for (const float value : vector) {
    largest = std::max(largest, std::fabs(value));
  }
  // Division by a scale below the smallest normal number would lose precision, so such a vector is taken for zeros.
  const float scale = largest / kLargest >= std::numeric_limits<float>::min() ? largest / kLargest : 1;
  for (size_t i = 0; i < vector.size(); ++i) {
    codes[i] = Quantize(vector[i], scale);
  }
  return scale;
}

RowCodes::RowCodes(int dimension, int64_t rows, float scale)
    : dimension_(dimension),
      stride_((dimension + kCacheLine - 1) / kCacheLine * kCacheLine),
      scale_(scale),
      rows_(rows),
      codes_(static_cast<size_t>(rows) * stride_) {}

float RowCodes::ChooseScale(absl::Span<const float> vectors) {
  constexpr size_t kSample = 1 << 20;
  constexpr size_t kScatter = 2654435761;  // A prime, so that the steps meet all columns equally often.
  std::vector<float> sample;
  for (size_t i = 0; i < std::min(kSample, vectors.size()); ++i) {
    sample.push_back(std::fabs(vectors[i * kScatter % vectors.size()]));
  }
  if (sample.empty()) {
    return 1;
  }
  const auto largest = sample.end() - 1 - static_cast<std::ptrdiff_t>(sample.size() / 10000);
  std::nth_element(sample.begin(), largest, sample.end());
  return *largest > 0 ? *largest / kLargest : 1;
}

void RowCodes::SetRow(int64_t row, const float* vector) {
  uint8_t* const code = mutable_row(row);
  for (int i = 0; i < dimension_; ++i) {
    code[i] = static_cast<uint8_t>(Quantize(vector[i], scale_) + kZero);
  }
  std::fill(code + dimension_, code + stride_, static_cast<uint8_t>(kZero));
}

std::vector<int8_t> RowCodes::EncodeQuery(const float* vector) const {
  std::vector<int8_t> query(static_cast<size_t>(stride_));
  EncodeInt8({vector, static_cast<size_t>(dimension_)}, query.data());
  return query;
}

void RowCodes::RowAsQuery(const uint8_t* row, std::vector<int8_t>* query) const {
  query->resize(static_cast<size_t>(stride_));
  for (int i = 0; i < stride_; ++i) {
    (*query)[i] = static_cast<int8_t>(row[i] - kZero);
  }
}

}  // namespace semblance::index
