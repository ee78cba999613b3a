// The two formats of 16 bits, one value at a time: exact in every case, and plain enough for the compiler to vectorise.
//
// Thread-safe: functions without state. The bits are those that the instructions of x86-64 and ARM give, also for NaN, which
// becomes quiet and keeps the upper bits of its payload.
#ifndef SEMBLANCE_INDEX_KERNELS_HALF_FORMATS_H_
#define SEMBLANCE_INDEX_KERNELS_HALF_FORMATS_H_

#include <cstdint>
#include <cstring>

#include "index/kernels/kernel_rows.h"

namespace semblance::index {

SEMBLANCE_INLINE uint32_t BitsOf(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

SEMBLANCE_INLINE float FloatOfBits(uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

SEMBLANCE_INLINE float FloatOfBf16(uint16_t half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  return FloatOfBits((bits & 0x7FFFFFFFU) > 0x7F800000U ? bits | 0x00400000U : bits);
}

SEMBLANCE_INLINE uint16_t Bf16OfFloat(float value) {
  const uint32_t bits = BitsOf(value);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x0040U;
  return static_cast<uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet : rounded);
}

SEMBLANCE_INLINE float FloatOfFp16(uint16_t half) {
  constexpr float kSmallestNormal = 0x1p-14F;
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t magnitude = (half & 0x7FFFU) << 13;  // In a float's places, the exponent 112 too small.
  const uint32_t normal = magnitude + (112U << 23);
  // Its exponent made that of kSmallestNormal, a subnormal is what it says and kSmallestNormal too much.
  const uint32_t subnormal = BitsOf(FloatOfBits(magnitude + (113U << 23)) - kSmallestNormal);
  const uint32_t special = magnitude | 0x7F800000U | (magnitude > 0x0F800000U ? 0x00400000U : 0U);
  return FloatOfBits(sign | (magnitude < 0x00800000U ? subnormal : magnitude < 0x0F800000U ? normal : special));
}

SEMBLANCE_INLINE uint16_t Fp16OfFloat(float value) {
  const uint32_t bits = BitsOf(value);
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  const uint32_t normal = (magnitude - (112U << 23) + 0xFFFU + ((magnitude >> 13) & 1U)) >> 13;
  // Added to 0.5, a subnormal is rounded in the place of a half's last bit.
  const uint32_t subnormal = BitsOf(FloatOfBits(magnitude) + 0.5F) - BitsOf(0.5F);
  const uint32_t special = magnitude > 0x7F800000U ? 0x7E00U | ((magnitude >> 13) & 0x3FFU) : 0x7C00U;
  // Below 2^-14: subnormal. From 2^16: infinite or NaN; what lies below and rounds to 2^16 becomes infinite by its carry.
  const uint32_t half = magnitude < 0x38800000U ? subnormal : magnitude < 0x47800000U ? normal : special;
  return static_cast<uint16_t>(((bits >> 16) & 0x8000U) | half);
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_HALF_FORMATS_H_
