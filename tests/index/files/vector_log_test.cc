#include "index/files/vector_log.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/files/damage.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::TempDir;
using ::testing::ElementsAre;

class VectorLogTest : public ::testing::Test {
 protected:
  static constexpr int kDimension = 2;
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kRecordBytes = 20;

  // Writes a log of the rows 5: (1, 0), 6: (0, 1), 7: (1, 1), and returns its bytes.
  std::string Written() {
    auto writer = VectorLogWriter::Create(dir_.Join("log"), kDimension);
    EXPECT_OK(writer);
    EXPECT_OK((*writer)->Append({{5, one_}, {6, two_}}));
    EXPECT_OK((*writer)->Append({{7, both_}}));
    EXPECT_OK((*writer)->Sync());
    absl::StatusOr<std::string> bytes = ReadFile(dir_.Join("log"));
    EXPECT_OK(bytes);
    return *std::move(bytes);
  }

 private:
  TempDir dir_;
  const std::vector<float> one_ = {1, 0};
  const std::vector<float> two_ = {0, 1};
  const std::vector<float> both_ = {1, 1};
};

TEST_F(VectorLogTest, HasTheBytesOfTheExampleInTheDocumentation) {
  EXPECT_EQ(absl::BytesToHexString(Written().substr(0, kHeadBytes + 2 * kRecordBytes)),
            "534d424c564c473102000000d0bbf2bb"
            "ccad23ab05000000000000000000803f"
            "00000000c797cf320600000000000000"
            "000000000000803f");
}

TEST_F(VectorLogTest, ReadsWhatWasWritten) {
  ASSERT_OK_AND_ASSIGN(const VectorLog log, DecodeVectorLog(Written(), kDimension));
  EXPECT_THAT(log.keys, ElementsAre(5, 6, 7));
  EXPECT_THAT(log.vectors, ElementsAre(1, 0, 0, 1, 1, 1));
  EXPECT_EQ(log.damaged_records, 0);
}

TEST_F(VectorLogTest, CutsOffATornTailInSilence) {
  const std::string bytes = Written();
  for (size_t size = kHeadBytes; size < bytes.size(); ++size) {
    ASSERT_OK_AND_ASSIGN(const VectorLog log, DecodeVectorLog(bytes.substr(0, size), kDimension));
    EXPECT_EQ(log.keys.size(), (size - kHeadBytes) / kRecordBytes) << size;
    EXPECT_EQ(log.damaged_records, 0) << size;
  }
}

TEST_F(VectorLogTest, LosesOnlyTheDamagedRecord) {
  const std::string bytes = Written();
  for (size_t at = kHeadBytes; at < bytes.size(); ++at) {
    ASSERT_OK_AND_ASSIGN(const VectorLog log, DecodeVectorLog(Flipped(bytes, at), kDimension));
    const size_t damaged = (at - kHeadBytes) / kRecordBytes;
    EXPECT_EQ(log.keys.size(), 2U) << at;
    EXPECT_THAT(log.keys, ::testing::Not(::testing::Contains(5 + damaged))) << at;
    EXPECT_EQ(log.damaged_records, damaged == 2 ? 0 : 1) << at;
  }
}

TEST_F(VectorLogTest, TakesZeroesAfterAPowerCutForATornTail) {
  ASSERT_OK_AND_ASSIGN(const VectorLog log, DecodeVectorLog(Written() + std::string(100, '\0'), kDimension));
  EXPECT_THAT(log.keys, ElementsAre(5, 6, 7));
  EXPECT_EQ(log.damaged_records, 0);
}

TEST_F(VectorLogTest, RefusesAHeadOfAnotherDimensionOrNone) {
  const std::string bytes = Written();
  EXPECT_THAT(DecodeVectorLog(bytes, kDimension + 1), StatusIs(absl::StatusCode::kDataLoss));
  for (size_t at = 0; at < kHeadBytes; ++at) {
    EXPECT_THAT(DecodeVectorLog(Flipped(bytes, at), kDimension), StatusIs(absl::StatusCode::kDataLoss)) << at;
    EXPECT_THAT(DecodeVectorLog(bytes.substr(0, at), kDimension), StatusIs(absl::StatusCode::kDataLoss)) << at;
  }
}

}  // namespace
}  // namespace semblance::index
