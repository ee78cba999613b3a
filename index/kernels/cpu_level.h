// Detects the vector instructions of the processor.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_INDEX_KERNELS_CPU_LEVEL_H_
#define SEMBLANCE_INDEX_KERNELS_CPU_LEVEL_H_

namespace semblance::index {

// Ascending: a processor of one level has all lower levels too.
enum class CpuLevel {
  kBaseline,    // SSE2 or NEON, which every processor of the architecture has.
  kAvx2,        // With FMA.
  kAvx512,      // F, BW, VL and DQ.
  kAvx512Vnni,  // Dot products of bytes.
};

// The highest level of this processor.
CpuLevel DetectCpuLevel();

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_CPU_LEVEL_H_
