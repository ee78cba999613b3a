#include "index/files/index_manifest.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/files/damage.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::testing::ElementsAre;

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

}  // namespace
}  // namespace semblance::index
