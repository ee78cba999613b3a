#include "index/segments/growing_segment.h"

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/index_oracle.h"
#include "tests/index/random_vectors.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAreArray;

constexpr int kDimension = 12;
constexpr int64_t kCapacity = 1000;
constexpr int kTopK = 10;

class GrowingSegmentTest : public ::testing::Test {
 protected:
  // Appends `count` rows with the next keys.
  void Append(uint64_t count) {
    std::vector<std::vector<float>> vectors;
    std::vector<IndexAdd> adds;
    for (uint64_t i = 0; i < count; ++i) {
      vectors.push_back(random_.Next());
    }
    for (const std::vector<float>& vector : vectors) {
      adds.push_back({++last_key_, vector});
    }
    segment_.Append(adds);
    oracle_.Apply(adds, {});
  }

  void Delete(uint64_t key, uint64_t at) {
    segment_.Delete(segment_.Find(key), at);
    oracle_.Apply({}, {{key, at}});
  }

  std::vector<ScoredKey> Search(const std::vector<float>& vector, uint64_t sequence, bool exact) const {
    TopRows top(kTopK);
    segment_.Search({.vector = vector.data(), .sequence = sequence, .top_k = kTopK, .exact = exact}, &top);
    return top.Take();
  }

  RandomVectors random_{kDimension, 20, 1};
  GrowingSegment segment_{5, kDimension, kCapacity};
  IndexOracle oracle_;
  uint64_t last_key_ = 0;
};

TEST_F(GrowingSegmentTest, FindsWhatAScanFindsWithAnyNumberOfRows) {
  // The steps make blocks that are empty, in part filled, and full.
  for (const uint64_t count : {0, 1, 14, 1, 1, 15, 16, 17, 200, 300, 255}) {
    Append(count);
    const std::vector<float> query = random_.Next();
    const std::vector<ScoredKey> expected = oracle_.Search(query, kTopK, last_key_);
    EXPECT_THAT(Search(query, last_key_, /*exact=*/false), ElementsAreArray(expected)) << last_key_ << " rows";
    EXPECT_THAT(Search(query, last_key_, /*exact=*/true), ElementsAreArray(expected)) << last_key_ << " rows";
  }
}

TEST_F(GrowingSegmentTest, FindsTheRowsOfEverySequence) {
  Append(900);
  for (uint64_t key = 1; key <= 900; key += 2) {
    Delete(key, 900 + key);
  }
  for (uint64_t sequence = 0; sequence <= 1900; sequence += 61) {
    const std::vector<float> query = random_.Next();
    EXPECT_THAT(Search(query, sequence, /*exact=*/false), ElementsAreArray(oracle_.Search(query, kTopK, sequence))) << sequence;
  }
}

TEST_F(GrowingSegmentTest, SkipsRowsThatCannotReachWhatOthersFound) {
  Append(500);
  const std::vector<float> query = random_.Next();
  TopRows top(1);
  top.Offer(12345, 2);  // No inner product of unit vectors is so great.
  segment_.Search({.vector = query.data(), .sequence = last_key_, .top_k = 1}, &top);
  EXPECT_EQ(top.Take().front().key, 12345U);
}

TEST_F(GrowingSegmentTest, FindsARowByItsKeyInWhateverOrderRowsCame) {
  const std::vector<float> first = random_.Next();
  const std::vector<float> second = random_.Next();
  segment_.Append({{70, first}, {30, second}});
  segment_.Append({{50, first}});
  EXPECT_EQ(segment_.Find(30), 1);
  EXPECT_EQ(segment_.Find(50), 2);
  EXPECT_EQ(segment_.Find(40), -1);
  EXPECT_TRUE(std::equal(second.begin(), second.end(), segment_.vector(1)));
  segment_.Delete(2, 90);
  EXPECT_EQ(segment_.Find(50), 2) << "some sequence still shows it";
  segment_.Delete(1, kNeverVisible);
  EXPECT_EQ(segment_.Find(30), -1);
}

TEST_F(GrowingSegmentTest, HasRoomForItsCapacity) {
  EXPECT_EQ(segment_.room(), kCapacity);
  Append(600);
  EXPECT_EQ(segment_.room(), 400);
  Append(400);
  EXPECT_EQ(segment_.room(), 0);
  EXPECT_EQ(segment_.rows(), kCapacity);
  EXPECT_EQ(segment_.file_number(), 5U);
}

TEST_F(GrowingSegmentTest, CountsTheMemoryOfTheRowsThatItHas) {
  EXPECT_EQ(segment_.memory_bytes(), 0);
  Append(10);
  const int64_t ten = segment_.memory_bytes();
  EXPECT_GE(ten, 10 * static_cast<int64_t>(sizeof(uint64_t) + kDimension * sizeof(float)));
  Append(10);
  EXPECT_EQ(segment_.memory_bytes(), 2 * ten);
}

TEST_F(GrowingSegmentTest, ShowsReadersOnlyWholeRowsWhileOneThreadAppends) {
  // A row of key k has the vector (k, 0, 0, ...), so that a reader can check each row that it sees.
  std::thread writer([this] {
    std::vector<float> vector(kDimension);
    for (uint64_t key = 1; key <= kCapacity; ++key) {
      vector[0] = static_cast<float>(key);
      segment_.Append({{key, vector}});
    }
  });
  const std::vector<float> query = [] {
    std::vector<float> one(kDimension);
    one[0] = 1;
    return one;
  }();
  int64_t rows = 0;
  while (rows < kCapacity) {
    rows = segment_.rows();
    for (const ScoredKey& found : Search(query, kCapacity, /*exact=*/false)) {
      EXPECT_EQ(found.score, static_cast<float>(found.key));
    }
  }
  writer.join();
  EXPECT_EQ(Search(query, kCapacity, /*exact=*/false).front().key, static_cast<uint64_t>(kCapacity));
}

}  // namespace
}  // namespace semblance::index
