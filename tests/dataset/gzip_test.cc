#include "dataset/gzip.h"

#include <string>

#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"

namespace semblance::dataset {
namespace {

using testing::Gzip;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;

TEST(GzipTest, ReturnsWhatWasCompressed) {
  const std::string data(3'000'000, 'x');  // More than one block of output.

  ASSERT_OK_AND_ASSIGN(const std::string result, DecompressGzip(Gzip(data), "a.gz"));

  EXPECT_EQ(result, data);
}

TEST(GzipTest, RefusesEveryTruncation) {
  const std::string compressed = Gzip("some bytes that compress");

  for (size_t size = 0; size < compressed.size(); ++size) {
    EXPECT_THAT(DecompressGzip(compressed.substr(0, size), "a.gz"), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
}

TEST(GzipTest, RefusesADamagedChecksum) {
  std::string compressed = Gzip("some bytes that compress");
  compressed[compressed.size() - 5] ^= 1;

  EXPECT_THAT(DecompressGzip(compressed, "a.gz"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(GzipTest, RefusesBytesAfterTheEndAndNamesTheFile) {
  const auto result = DecompressGzip(Gzip("abc") + "x", "train.gz");

  EXPECT_THAT(result, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(result, StatusMessage(HasSubstr("train.gz")));
}

}  // namespace
}  // namespace semblance::dataset
