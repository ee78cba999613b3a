#include "index/segments/index_recovery.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/files/vector_log.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class IndexRecoveryTest : public ::testing::Test {
 protected:
  static constexpr int kDimension = 2;

  void SetUp() override {
    options_.dimension = kDimension;
    options_.spec.kind = IndexSpec::Kind::kFlat;
    auto directory = IndexDirectory::Open(dir_.path(), kDimension);
    ASSERT_OK(directory);
    directory_ = *std::move(directory);
  }

  // Returns the vector of a key in a file. No other key and no other file has the same vector.
  static std::vector<float> VectorOf(uint64_t key, uint64_t file) { return {static_cast<float>(key), static_cast<float>(file)}; }

  // Writes a file with these keys, and returns its number. Keys of a segment must ascend.
  uint64_t WriteSegment(const std::vector<uint64_t>& keys) {
    const uint64_t number = directory_->NextNumber();
    const std::vector<std::vector<float>> vectors = VectorsOf(keys, number);
    const auto segment = SealedSegment::Build(number, options_, RowsOf(keys, vectors), 100, /*stop=*/{});
    EXPECT_OK(segment);
    EXPECT_OK((*segment)->Write(directory_->SegmentPath(number)));
    segments_.push_back(number);
    return number;
  }

  uint64_t WriteLog(const std::vector<uint64_t>& keys) {
    const uint64_t number = directory_->NextNumber();
    const std::vector<std::vector<float>> vectors = VectorsOf(keys, number);
    const auto log = VectorLogWriter::Create(directory_->LogPath(number), kDimension);
    EXPECT_OK(log);
    EXPECT_OK((*log)->Append(RowsOf(keys, vectors)));
    logs_.push_back(number);
    return number;
  }

  RecoveredIndex Recover(const std::vector<uint64_t>& live_keys) {
    EXPECT_OK(directory_->Commit(segments_, logs_));
    auto recovered = RecoverIndex(*directory_, live_keys);
    EXPECT_OK(recovered);
    return *std::move(recovered);
  }

  // Returns the file whose row is used, for each key that is visible. A key that is visible twice is an error.
  static std::map<uint64_t, uint64_t> FilesByKey(const RecoveredIndex& recovered) {
    std::map<uint64_t, uint64_t> files;
    const auto add = [&](uint64_t key, const float* vector) {
      EXPECT_EQ(vector[0], static_cast<float>(key));
      EXPECT_TRUE(files.emplace(key, static_cast<uint64_t>(vector[1])).second) << "key " << key << " is there twice";
    };
    for (const auto& segment : recovered.sealed) {
      for (int64_t row = 0; row < segment->rows(); ++row) {
        if (segment->deleted_at(row) != kNeverVisible) {
          add(segment->key(row), segment->vector(row));
        }
      }
    }
    for (size_t row = 0; row < recovered.log_keys.size(); ++row) {
      add(recovered.log_keys[row], &recovered.log_vectors[row * kDimension]);
    }
    return files;
  }

  const testing::TempDir dir_;
  SegmentedIndexOptions options_;
  std::unique_ptr<IndexDirectory> directory_;
  std::vector<uint64_t> segments_;
  std::vector<uint64_t> logs_;

 private:
  static std::vector<std::vector<float>> VectorsOf(const std::vector<uint64_t>& keys, uint64_t file) {
    std::vector<std::vector<float>> vectors;
    for (const uint64_t key : keys) {
      vectors.push_back(VectorOf(key, file));
    }
    return vectors;
  }

  static std::vector<IndexAdd> RowsOf(const std::vector<uint64_t>& keys, const std::vector<std::vector<float>>& vectors) {
    std::vector<IndexAdd> rows;
    for (size_t i = 0; i < keys.size(); ++i) {
      rows.push_back({keys[i], vectors[i]});
    }
    return rows;
  }
};

TEST_F(IndexRecoveryTest, FindsNothingInAnEmptyDirectory) {
  const RecoveredIndex recovered = Recover({3, 5});
  EXPECT_THAT(recovered.sealed, IsEmpty());
  EXPECT_THAT(recovered.log_keys, IsEmpty());
  EXPECT_THAT(recovered.missing_keys, ElementsAre(3, 5));
}

TEST_F(IndexRecoveryTest, TakesAKeyThatSeveralFilesHoldFromTheNewest) {
  const uint64_t segment = WriteSegment({1, 2, 3});
  const uint64_t log = WriteLog({2, 3, 4});
  const uint64_t newest = WriteSegment({3, 5});
  const RecoveredIndex recovered = Recover({1, 2, 3, 4, 5});
  EXPECT_EQ(FilesByKey(recovered), (std::map<uint64_t, uint64_t>{{1, segment}, {2, log}, {3, newest}, {4, log}, {5, newest}}));
  EXPECT_THAT(recovered.missing_keys, IsEmpty());
}

TEST_F(IndexRecoveryTest, AgreesWithASlowModelForRandomFiles) {
  RandomVectors random(kDimension, 0, 1);
  std::map<uint64_t, uint64_t> newest;
  for (int file = 0; file < 12; ++file) {
    std::vector<uint64_t> keys;
    for (uint64_t key = 1; key <= 60; ++key) {
      if (random.Below(5) == 0) {
        keys.push_back(key);
      }
    }
    const uint64_t number = file % 3 == 0 ? WriteLog(keys) : WriteSegment(keys);
    for (const uint64_t key : keys) {
      newest[key] = number;
    }
  }
  std::vector<uint64_t> live;
  std::vector<uint64_t> missing;
  std::map<uint64_t, uint64_t> expected;
  for (uint64_t key = 1; key <= 70; ++key) {
    if (random.Below(3) > 0) {
      live.push_back(key);
      newest.count(key) > 0 ? static_cast<void>(expected[key] = newest[key]) : missing.push_back(key);
    }
  }
  const RecoveredIndex recovered = Recover(live);
  EXPECT_EQ(FilesByKey(recovered), expected);
  EXPECT_EQ(recovered.missing_keys, missing);
  EXPECT_TRUE(std::is_sorted(recovered.log_keys.begin(), recovered.log_keys.end()));
}

TEST_F(IndexRecoveryTest, HidesRowsThatAreNotAliveAndDropsSegmentsWithoutOthers) {
  WriteSegment({1, 2, 3});
  WriteSegment({4, 5});
  WriteLog({6, 7});
  const RecoveredIndex recovered = Recover({2, 7});
  ASSERT_THAT(recovered.sealed, SizeIs(1));
  EXPECT_EQ(recovered.sealed[0]->live_rows(), 1);
  EXPECT_EQ(recovered.sealed[0]->Find(1), -1);
  EXPECT_GE(recovered.sealed[0]->Find(2), 0);
  EXPECT_THAT(recovered.log_keys, ElementsAre(7));
}

TEST_F(IndexRecoveryTest, SortsSegmentsByDescendingNumberOfRows) {
  WriteSegment({1});
  WriteSegment({2, 3, 4});
  WriteSegment({5, 6});
  const RecoveredIndex recovered = Recover({1, 2, 3, 4, 5, 6});
  std::vector<int64_t> rows;
  for (const auto& segment : recovered.sealed) {
    rows.push_back(segment->rows());
  }
  EXPECT_THAT(rows, ElementsAre(3, 2, 1));
}

TEST_F(IndexRecoveryTest, TakesTheLastRecordOfAKeyThatALogHoldsTwice) {
  const uint64_t number = directory_->NextNumber();
  const std::vector<float> failed = {0, 0};
  const std::vector<float> again = {9, 9};
  const auto log = VectorLogWriter::Create(directory_->LogPath(number), kDimension);
  ASSERT_OK(log);
  ASSERT_OK((*log)->Append({{5, failed}, {6, failed}}));
  ASSERT_OK((*log)->Append({{5, again}}));
  logs_ = {number};
  const RecoveredIndex recovered = Recover({5, 6});
  EXPECT_THAT(recovered.log_keys, ElementsAre(5, 6));
  EXPECT_THAT(recovered.log_vectors, ElementsAre(9, 9, 0, 0));
}

TEST_F(IndexRecoveryTest, SetsDamagedFilesAsideAndTakesTheirRowsFromOlderOnes) {
  const uint64_t old = WriteSegment({1, 2});
  const std::string segment = directory_->SegmentPath(WriteSegment({2, 3}));
  const std::string log = directory_->LogPath(WriteLog({4}));
  ASSERT_OK(WriteFileAtomically(segment, "damaged"));
  ASSERT_OK(WriteFileAtomically(log, "damaged"));
  const RecoveredIndex recovered = Recover({1, 2, 3, 4});
  EXPECT_EQ(FilesByKey(recovered), (std::map<uint64_t, uint64_t>{{1, old}, {2, old}}));
  EXPECT_THAT(recovered.missing_keys, ElementsAre(3, 4));
  EXPECT_EQ(ReadFile(segment + ".corrupt").value_or("missing"), "damaged");
  EXPECT_EQ(ReadFile(log + ".corrupt").value_or("missing"), "damaged");
}

TEST_F(IndexRecoveryTest, MissesTheRowsOfAFileThatIsGone) {
  WriteSegment({1});
  const std::string gone = directory_->SegmentPath(WriteSegment({2}));
  const std::string gone_too = directory_->LogPath(WriteLog({3}));
  ASSERT_OK(RemoveAll(gone));
  ASSERT_OK(RemoveAll(gone_too));
  EXPECT_THAT(Recover({1, 2, 3}).missing_keys, ElementsAre(2, 3));
}

TEST_F(IndexRecoveryTest, KeepsTheGoodRecordsOfALogWithADamagedOne) {
  const std::string path = directory_->LogPath(WriteLog({1, 2, 3}));
  ASSERT_OK_AND_ASSIGN(std::string bytes, ReadFile(path));
  const size_t record = 4 + 8 + kDimension * sizeof(float);
  bytes[bytes.size() - 2 * record + 6] ^= 1;
  ASSERT_OK(WriteFileAtomically(path, bytes));
  const RecoveredIndex recovered = Recover({1, 2, 3});
  EXPECT_THAT(recovered.log_keys, ElementsAre(1, 3));
  EXPECT_THAT(recovered.missing_keys, ElementsAre(2));
  EXPECT_TRUE(PathExists(path)) << "the log is not set aside";
}

TEST_F(IndexRecoveryTest, FailsWhenAFileCannotBeRead) {
  const uint64_t number = WriteLog({1});
  ASSERT_OK(RemoveAll(directory_->LogPath(number)));
  ASSERT_OK(CreateDirectories(directory_->LogPath(number)));
  ASSERT_OK(directory_->Commit(segments_, logs_));
  const auto recovered = RecoverIndex(*directory_, {});
  EXPECT_FALSE(recovered.ok()) << "an error that is not damage must not lose rows";
}

}  // namespace
}  // namespace semblance::index
