// The loop over rows that every kernel shares, and the macros that mark functions compiled for one level of processor.
//
// A kernel has one body for all levels. The body is always inline and has no target, so it is compiled for the target of its
// caller. A class that is passed to the body holds what differs between levels. Its functions have a target and are only `inline`:
// the compiler refuses to put an always-inline function with a target into a body that has no target yet. Vectors are passed by
// address for the same reason.
#ifndef SEMBLANCE_INDEX_KERNELS_KERNEL_ROWS_H_
#define SEMBLANCE_INDEX_KERNELS_KERNEL_ROWS_H_

#include <cstdint>
#include <cstring>

#include "index/kernels/kernel_levels.h"

#define SEMBLANCE_INLINE inline __attribute__((always_inline))
#define SEMBLANCE_AVX2 __attribute__((target("avx2,fma")))
#define SEMBLANCE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma")))
#define SEMBLANCE_AVX512_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")))

namespace semblance::index {

constexpr int64_t kRowsAhead = 8;  // 4 leave some latency, 12 hide no more of it.
constexpr int64_t kCacheLine = 64;
constexpr int64_t kMaxBytesAhead = 1024;  // Of one row. Behind that, the processor fetches ahead by itself.

// Returns values[i] at any address. An access through the pointer would require the alignment of its type.
template <typename Value>
SEMBLANCE_INLINE Value ValueAt(const Value* values, int64_t i) {
  Value value;
  std::memcpy(&value, values + i, sizeof(value));
  return value;
}

template <typename Value>
SEMBLANCE_INLINE const Value* RowOf(const RowBlock<Value>& rows, int64_t i) {
  return rows.first + rows.stride * (rows.ids == nullptr ? i : static_cast<int64_t>(rows.ids[i]));
}

template <typename Value>
SEMBLANCE_INLINE void FetchRow(const RowBlock<Value>& rows, int64_t i, int64_t row_bytes) {
  const char* row = reinterpret_cast<const char*>(RowOf(rows, i));
#pragma GCC unroll 1
  for (int64_t byte = 0; byte < row_bytes && byte < kMaxBytesAhead; byte += kCacheLine) {
    __builtin_prefetch(row + byte);
  }
}

// Sets scores[i] = score_row(row i), where rows have `dimension` values.
template <typename Value, typename ScoreRow, typename Score>
SEMBLANCE_INLINE void ScoreRows(const RowBlock<Value>& rows, int dimension, const ScoreRow& score_row, Score* scores) {
  const int64_t row_bytes = dimension * static_cast<int64_t>(sizeof(Value));
  const bool gather = rows.ids != nullptr;
  for (int64_t i = 0; gather && i < kRowsAhead && i < rows.count; ++i) {
    FetchRow(rows, i, row_bytes);
  }
  for (int64_t i = 0; i < rows.count; ++i) {
    if (gather && i + kRowsAhead < rows.count) {
      FetchRow(rows, i + kRowsAhead, row_bytes);
    }
    scores[i] = score_row(RowOf(rows, i));
  }
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_KERNEL_ROWS_H_
