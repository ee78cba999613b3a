#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/files/index_manifest.h"
#include "index/files/segment_file.h"
#include "index/files/vector_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::TempDir;
using ::testing::ElementsAre;

std::string Flipped(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  return bytes;
}

// The file with these sections, as it lies on disk.
std::string SegmentFileOf(const std::vector<FileSection>& sections) {
  const TempDir dir;
  EXPECT_OK(WriteSegmentFile(dir.Join("file"), sections));
  const auto bytes = ReadFile(dir.Join("file"));
  EXPECT_OK(bytes);
  return *bytes;
}

std::vector<FileSection> ExampleSections() {
  static const uint64_t keys[] = {5, 9};
  return {{SectionKind::kDescription, "{}"}, {SectionKind::kKeys, BytesOf(absl::MakeConstSpan(keys))}};
}

TEST(SegmentFile, ReadsWhatWasWritten) {
  const std::string file = SegmentFileOf(ExampleSections());
  ASSERT_OK_AND_ASSIGN(const SegmentSections decoded, SegmentSections::Decode(file));
  ASSERT_OK_AND_ASSIGN(const absl::string_view description, decoded.Find(SectionKind::kDescription));
  EXPECT_EQ(description, "{}");
  uint64_t keys[2];
  ASSERT_OK(decoded.Copy(SectionKind::kKeys, 2, keys));
  EXPECT_THAT(keys, ElementsAre(5, 9));
  EXPECT_THAT(decoded.Copy(SectionKind::kKeys, 1, keys), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(decoded.Find(SectionKind::kVectors), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(SegmentFile, FindsEveryFlippedByteAndEveryMissingEnd) {
  const std::string file = SegmentFileOf(ExampleSections());
  for (size_t at = 0; at < file.size(); ++at) {
    EXPECT_THAT(SegmentSections::Decode(Flipped(file, at)), StatusIs(absl::StatusCode::kDataLoss)) << at;
    EXPECT_THAT(SegmentSections::Decode(file.substr(0, at)), StatusIs(absl::StatusCode::kDataLoss)) << at;
  }
  EXPECT_THAT(SegmentSections::Decode(file + "x"), StatusIs(absl::StatusCode::kDataLoss));
}

// The example of docs/storage_format.md: what is on disk already must stay readable.
TEST(SegmentFile, HasTheBytesOfTheExampleInTheDocumentation) {
  const auto zeros = [](size_t count) { return std::string(2 * count, '0'); };
  EXPECT_EQ(absl::BytesToHexString(SegmentFileOf(ExampleSections())),
            "534d424c534547320200000001000000"
            "43bfa6a3020000000000000002000000"
            "688dad891000000000000000ad990c12" +
                zeros(16) + "7b7d" + zeros(62) + "05000000000000000900000000000000" + zeros(48));
}

TEST(IndexManifest, ReadsWhatWasWritten) {
  IndexManifest manifest;
  manifest.dimension = 64;
  manifest.next_file = 12;
  manifest.segments = {3, 7};
  manifest.logs = {11};
  ASSERT_OK_AND_ASSIGN(const IndexManifest decoded, DecodeIndexManifest(EncodeIndexManifest(manifest)));
  EXPECT_EQ(decoded.dimension, 64);
  EXPECT_EQ(decoded.next_file, 12U);
  EXPECT_THAT(decoded.segments, ElementsAre(3, 7));
  EXPECT_THAT(decoded.logs, ElementsAre(11));
}

TEST(IndexManifest, ReadsTheExampleInTheDocumentation) {
  ASSERT_OK_AND_ASSIGN(const IndexManifest decoded,
                       DecodeIndexManifest(R"({"crc32": 449022437, "index": {"dimension": 64, "format_version": 1, "logs": [11],
                                               "next_file": 13, "segments": [7, 12]}})"));
  EXPECT_THAT(decoded.segments, ElementsAre(7, 12));
}

TEST(IndexManifest, RefusesANewerVersion) {
  // The checksum of {"dimension":64,"format_version":2,"logs":[],"next_file":1,"segments":[]}.
  EXPECT_THAT(
      DecodeIndexManifest(R"({"crc32": 1147934423, "index": {"dimension": 64, "format_version": 2, "logs": [], "next_file": 1,
                                      "segments": []}})"),
      StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(IndexManifest, FindsEveryFlippedByteThatMatters) {
  IndexManifest manifest;
  manifest.dimension = 64;
  manifest.segments = {3, 7};
  const std::string bytes = EncodeIndexManifest(manifest);
  for (size_t at = 0; at < bytes.size(); ++at) {
    const absl::StatusOr<IndexManifest> decoded = DecodeIndexManifest(Flipped(bytes, at));
    if (decoded.ok()) {
      EXPECT_THAT(decoded->segments, ElementsAre(3, 7)) << at;
      EXPECT_EQ(decoded->dimension, 64) << at;
    } else {
      EXPECT_THAT(decoded, StatusIs(absl::StatusCode::kDataLoss)) << at;
    }
  }
}

class VectorLogTest : public ::testing::Test {
 protected:
  static constexpr int kDimension = 2;
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kRecordBytes = 20;

  // A log of the rows 5: (1, 0), 6: (0, 1), 7: (1, 1).
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
