// What retrieval metrics take of memory: neighbours go block by block, so that the peak does not grow with the number of queries.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "trainer/random.h"
#include "trainer/retrieval_metrics.h"

namespace semblance {
namespace {

constexpr int kCount = 12000;
constexpr int kDimension = 64;
constexpr int kClasses = 12;
// The neighbours of all queries at once would be 20,000 x 1,000 x 12 bytes = 229 MiB, twice; all pairs 1,526 MiB. Measured: 100
// MiB.
constexpr double kMostMib = 200;

double PeakMib() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    long kib = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %ld kB", &kib) == 1) {
      return static_cast<double>(kib) / 1024;
    }
  }
  return -1;
}

TEST(RetrievalMemoryTest, StaysBelowTheNeighborsOfAllQueriesAtOnce) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep memory of their own";
#endif
  Random random(1, 0, 0);
  std::vector<float> embeddings(size_t{kCount} * kDimension);
  for (float& value : embeddings) {
    value = static_cast<float>(random.Between(-1000, 1000));
  }
  std::vector<int64_t> labels(kCount);
  for (int i = 0; i < kCount; ++i) {
    labels[static_cast<size_t>(i)] = i % kClasses;
  }
  const double before = PeakMib();
  if (before < 0) {
    GTEST_SKIP() << "the system does not say";
  }

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(embeddings, kDimension, labels, RetrievalOptions()));

  const double grown = PeakMib() - before;
  RecordProperty("grown_mib", std::to_string(grown));
  EXPECT_LT(grown, kMostMib);
  // Chance: 999 of 11,999 others are of the query's class.
  EXPECT_NEAR(metrics.r_precision.value_or(0), 0.083, 0.01);
}

}  // namespace
}  // namespace semblance
