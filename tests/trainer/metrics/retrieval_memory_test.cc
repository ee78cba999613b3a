// Measures the memory of retrieval metrics. Neighbors are processed in blocks, so the peak must not grow with the number of
// queries.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "trainer/data/random.h"
#include "trainer/metrics/retrieval_metrics.h"

namespace semblance::trainer {
namespace {

// This many of the examples are queries, in blocks of about 1,400. Each other example has a class of its own.
constexpr int kCount = 120'000;
constexpr int kQueries = 8'000;
constexpr int kDimension = 64;
// Each class has a thousand examples, so R-precision looks at 999 neighbors.
constexpr int kClasses = 8;
// All neighbors of these queries at once would need 8,000 x 1,000 x 12 bytes = 92 MiB, twice. All products would need 3,662 MiB.
constexpr double kMostGrownMib = 150;
constexpr double kMostMib = 1'000;

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
    labels[static_cast<size_t>(i)] = i < kQueries ? i % kClasses : i;
  }
  const double before = PeakMib();
  if (before < 0) {
    GTEST_SKIP() << "the system does not say";
  }

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(embeddings, kDimension, labels, RetrievalOptions()));

  const double grown = PeakMib() - before;
  RecordProperty("grown_mib", std::to_string(grown));
  EXPECT_LT(grown, kMostGrownMib);
  EXPECT_LT(PeakMib(), kMostMib);
  EXPECT_EQ(metrics.queries, kQueries);
  // This is the value by chance: 999 of the 119,999 others have the query's class.
  EXPECT_NEAR(metrics.r_precision.value_or(0), 0.0083, 0.001);
}

}  // namespace
}  // namespace semblance::trainer
