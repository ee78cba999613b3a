#include "embedder/bundle/trained_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::embedder {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TrainedImagesTest, TheKeyIsTheBeginningOfTheDigest) {
  EXPECT_EQ(ImageKeyOf("0102030405060708ffffffffffffffff"), 0x0102030405060708u);
  EXPECT_EQ(ImageKeyOf(""), 0u);
}

TEST(TrainedImagesTest, KeysComeBackSortedAndOnce) {
  const testing::TempDir dir;
  const std::string content = TrainedImagesContent({0xff00000000000001u, 2, 0xff00000000000001u});
  EXPECT_EQ(content, std::string("\0\0\0\0\0\0\0\x02\xff\0\0\0\0\0\0\x01", 16));
  ASSERT_OK(WriteFileAtomically(dir.Join(kTrainedImagesFile), content));
  const auto keys = ReadTrainedImages(dir.path());
  ASSERT_OK(keys);
  EXPECT_THAT(*keys, ElementsAre(2u, 0xff00000000000001u));
}

TEST(TrainedImagesTest, ABundleWithoutTheFileHasNone) {
  const testing::TempDir dir;
  const auto keys = ReadTrainedImages(dir.path());
  ASSERT_OK(keys);
  EXPECT_THAT(*keys, IsEmpty());
}

TEST(TrainedImagesTest, DamageIsDataLoss) {
  const testing::TempDir dir;
  ASSERT_OK(WriteFileAtomically(dir.Join(kTrainedImagesFile), "123456789"));
  EXPECT_EQ(ReasonOf(ReadTrainedImages(dir.path()).status()), v1::ERROR_REASON_MANIFEST_INVALID);
  ASSERT_OK(WriteFileAtomically(dir.Join(kTrainedImagesFile), "2345678912345678"));
  EXPECT_EQ(ReasonOf(ReadTrainedImages(dir.path()).status()), v1::ERROR_REASON_MANIFEST_INVALID);
}

}  // namespace
}  // namespace semblance::embedder
