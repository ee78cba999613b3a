#include "index/kernels/cpu_level.h"

namespace semblance::index {

#if defined(__x86_64__)
CpuLevel DetectCpuLevel() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    return CpuLevel::kBaseline;
  }
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512dq")) {
    return CpuLevel::kAvx2;
  }
  return __builtin_cpu_supports("avx512vnni") ? CpuLevel::kAvx512Vnni : CpuLevel::kAvx512;
}
#else
CpuLevel DetectCpuLevel() {
  return CpuLevel::kBaseline;
}
#endif

}  // namespace semblance::index
