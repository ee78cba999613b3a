#include "index/kernels/cpu_level.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace semblance::index {

#if defined(__x86_64__)
namespace {

// __builtin_cpu_supports knows no F16C in every compiler.
bool HasF16c() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

}  // namespace

CpuLevel DetectCpuLevel() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !HasF16c()) {
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
