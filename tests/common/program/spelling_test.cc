#include "common/program/spelling.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance {
namespace {

using ::testing::Eq;
using ::testing::Optional;

// The definition of the distance, as a recursion.
size_t SlowDistance(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) {
    return a.size() + b.size();
  }
  const std::string a1 = a.substr(1);
  const std::string b1 = b.substr(1);
  size_t distance = SlowDistance(a1, b1) + (a[0] == b[0] ? 0 : 1);
  distance = std::min({distance, SlowDistance(a1, b) + 1, SlowDistance(a, b1) + 1});
  if (a.size() > 1 && b.size() > 1 && a[0] == b[1] && a[1] == b[0]) {
    distance = std::min(distance, SlowDistance(a.substr(2), b.substr(2)) + 1);
  }
  return distance;
}

std::string RandomWord(std::mt19937& random) {
  std::string word(random() % 6, ' ');
  for (char& c : word) {
    c = static_cast<char>('a' + random() % 3);
  }
  return word;
}

TEST(SpellingTest, TheDistanceIsTheFewestEdits) {
  EXPECT_EQ(EditDistance("top_k", "tpo_k"), 1u);
  EXPECT_EQ(EditDistance("search", "serach"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
}

TEST(SpellingTest, TheDistanceIsThatOfTheDefinition) {
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const std::string a = RandomWord(random);
    const std::string b = RandomWord(random);
    EXPECT_EQ(EditDistance(a, b), SlowDistance(a, b)) << a << " " << b;
  }
}

TEST(SpellingTest, TheClosestCandidateIsMeant) {
  const std::vector<std::string> commands = {"search", "status", "ingest", "items", "watch", "list"};
  EXPECT_THAT(ClosestSpelling("serach", commands), Optional(Eq("search")));
  EXPECT_THAT(ClosestSpelling("satus", commands), Optional(Eq("status")));
  EXPECT_THAT(ClosestSpelling("lst", commands), Optional(Eq("list")));
  EXPECT_THAT(ClosestSpelling("list", commands), Optional(Eq("list")));
}

TEST(SpellingTest, AWordThatResemblesNothingMeansNothing) {
  const std::vector<std::string> commands = {"search", "status", "x"};
  EXPECT_EQ(ClosestSpelling("delete", commands), std::nullopt);
  EXPECT_EQ(ClosestSpelling("y", commands), std::nullopt);
  EXPECT_EQ(ClosestSpelling("", commands), std::nullopt);
  EXPECT_EQ(ClosestSpelling(std::string(100000, 's'), commands), std::nullopt);
  EXPECT_EQ(ClosestSpelling("search", {}), std::nullopt);
}

}  // namespace
}  // namespace semblance
