#include "bench/reload/load.h"
#include "bench/reload/oracle.h"
#include "gtest/gtest.h"

namespace semblance::bench {
namespace {

TEST(QuantileTest, IsTheValueBelowWhichTheShareLies) {
  EXPECT_EQ(Quantile({}, 0.99), 0);
  EXPECT_EQ(Quantile({3, 1, 2, 4}, 0.5), 3);
  EXPECT_EQ(Quantile({3, 1, 2, 4}, 0), 1);
  EXPECT_EQ(Quantile({3, 1, 2, 4}, 1), 4);
}

TEST(OracleTest, AnAnswerOfAnUnknownGenerationAgreesWithNothing) {
  const Oracle oracle({"a", "b"}, {"q"});
  v1::SearchResponse answer;
  answer.mutable_provenance()->set_generation("gen-000009");
  EXPECT_FALSE(oracle.Agrees(0, answer, 1));
}

}  // namespace
}  // namespace semblance::bench
