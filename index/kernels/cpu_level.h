// Which vector instructions the processor has.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_INDEX_KERNELS_CPU_LEVEL_H_
#define SEMBLANCE_INDEX_KERNELS_CPU_LEVEL_H_

namespace semblance::index {

// In ascending order: a processor of one level also has those before it.
enum class CpuLevel {
  kBaseline,    // What every processor of the architecture has: SSE2 or NEON.
  kAvx2,        // With FMA and F16C.
  kAvx512,      // F, BW, VL and DQ.
  kAvx512Vnni,  // Dot products of bytes.
};

// The highest level of this processor.
CpuLevel DetectCpuLevel();

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_CPU_LEVEL_H_
