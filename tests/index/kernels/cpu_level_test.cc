#include "index/kernels/cpu_level.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace semblance::index {
namespace {

// The instruction sets that the kernel reports for the first processor. The list is empty when the kernel reports none.
std::set<std::string> ReportedFlags() {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> flags;
  for (std::string line; flags.empty() && std::getline(file, line);) {
    if (line.rfind("flags", 0) == 0) {
      for (size_t begin = line.find(':') + 1; begin < line.size();) {
        const size_t end = std::min(line.find(' ', begin), line.size());
        flags.insert(line.substr(begin, end - begin));
        begin = end + 1;
      }
    }
  }
  return flags;
}

bool HasAll(const std::set<std::string>& flags, const std::set<std::string>& wanted) {
  return std::includes(flags.begin(), flags.end(), wanted.begin(), wanted.end());
}

TEST(DetectCpuLevel, AgreesWithWhatTheKernelReports) {
  const std::set<std::string> flags = ReportedFlags();
  if (flags.empty()) {
    EXPECT_EQ(DetectCpuLevel(), CpuLevel::kBaseline) << "no processor but x86-64 has another level";
    return;
  }
  CpuLevel expected = CpuLevel::kBaseline;
  if (HasAll(flags, {"avx2", "fma"})) {
    expected = CpuLevel::kAvx2;
    if (HasAll(flags, {"avx512f", "avx512bw", "avx512vl", "avx512dq"})) {
      expected = flags.count("avx512_vnni") > 0 ? CpuLevel::kAvx512Vnni : CpuLevel::kAvx512;
    }
  }
  EXPECT_EQ(DetectCpuLevel(), expected);
}

}  // namespace
}  // namespace semblance::index
