#include "index/files/segment_file.h"

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

// Returns the bytes of a file with these sections.
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

// This is the example of docs/storage_format.md. Files that were written before must stay readable.
TEST(SegmentFile, HasTheBytesOfTheExampleInTheDocumentation) {
  const auto zeros = [](size_t count) { return std::string(2 * count, '0'); };
  EXPECT_EQ(absl::BytesToHexString(SegmentFileOf(ExampleSections())),
            "534d424c534547320200000001000000"
            "43bfa6a3020000000000000002000000"
            "688dad891000000000000000ad990c12" +
                zeros(16) + "7b7d" + zeros(62) + "05000000000000000900000000000000" + zeros(48));
}

}  // namespace
}  // namespace semblance::index
