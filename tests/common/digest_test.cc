#include "common/digest.h"

#include <string>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::TempDir;

// These examples come from the page "SHA-256 example values", which accompanies FIPS 180-4.
constexpr char kDigestOfNothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kDigestOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kDigestOfMillionA[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(DigestTest, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(Sha256Hex(""), kDigestOfNothing);
  EXPECT_EQ(Sha256Hex("abc"), kDigestOfAbc);
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')), kDigestOfMillionA);
}

TEST(DigestTest, DoesNotDependOnHowTheDataIsCut) {
  Sha256Stream stream;
  stream.Update("a");
  stream.Update("");
  stream.Update("bc");
  EXPECT_EQ(stream.FinishHex(), kDigestOfAbc);
}

TEST(DigestTest, OfAFileIsTheDigestOfItsContent) {
  const TempDir dir;
  // The file is read in blocks. It is longer than one block, and its size is not a multiple of the block size.
  const std::string content((3 << 20) + 17, 'x');
  ASSERT_OK(WriteFileAtomically(dir.Join("file"), content));
  ASSERT_OK_AND_ASSIGN(const std::string digest, Sha256HexOfFile(dir.Join("file")));
  EXPECT_EQ(digest, Sha256Hex(content));
}

TEST(DigestTest, OfAnEmptyFileIsTheDigestOfNothing) {
  const TempDir dir;
  ASSERT_OK(WriteFileAtomically(dir.Join("empty"), ""));
  ASSERT_OK_AND_ASSIGN(const std::string digest, Sha256HexOfFile(dir.Join("empty")));
  EXPECT_EQ(digest, kDigestOfNothing);
}

TEST(DigestTest, OfAMissingFileIsNotFound) {
  EXPECT_THAT(Sha256HexOfFile(TempDir().Join("missing")), StatusIs(absl::StatusCode::kNotFound));
}

TEST(DigestTest, OfADirectoryIsAnError) {
  const TempDir dir;
  EXPECT_FALSE(Sha256HexOfFile(dir.path()).ok());
}

}  // namespace
}  // namespace semblance
