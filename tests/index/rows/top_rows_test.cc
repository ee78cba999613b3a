#include "index/rows/top_rows.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<uint64_t> KeysOf(const std::vector<ScoredKey>& rows) {
  std::vector<uint64_t> keys;
  for (const ScoredKey& row : rows) {
    keys.push_back(row.key);
  }
  return keys;
}

void OfferIfKept(uint64_t key, float score, TopRows* top) {
  if (top->MayKeep(score)) {
    top->Offer(key, score);
  }
}

TEST(TopRows, KeepsTheBestByScore) {
  TopRows top(2);
  OfferIfKept(1, 0.1F, &top);
  OfferIfKept(2, 0.9F, &top);
  OfferIfKept(3, 0.5F, &top);
  EXPECT_THAT(KeysOf(top.Take()), ElementsAre(2, 3));
}

TEST(TopRows, KeepsTheSmallestKeysOfATieInWhateverOrderTheyCome) {
  for (const std::vector<uint64_t>& order : {std::vector<uint64_t>{1, 2, 3, 4}, {4, 3, 2, 1}, {3, 1, 4, 2}}) {
    TopRows top(2);
    for (const uint64_t key : order) {
      OfferIfKept(key, 0.5F, &top);
    }
    EXPECT_THAT(KeysOf(top.Take()), ElementsAre(1, 2));
  }
}

TEST(TopRows, ReturnsFewerThanKWhenFewerWereOffered) {
  TopRows top(1000000000);
  OfferIfKept(7, -1, &top);
  EXPECT_THAT(KeysOf(top.Take()), ElementsAre(7));
  EXPECT_THAT(top.Take(), IsEmpty());
}

TEST(TopRows, NeverKeepsNaN) {
  TopRows top(1);
  EXPECT_FALSE(top.MayKeep(std::nanf("")));
  OfferIfKept(1, 0, &top);
  EXPECT_FALSE(top.MayKeep(std::nanf("")));
}

}  // namespace
}  // namespace semblance::index
