#include <string>

#include "dataset/dataset.h"
#include "dataset/png_encoder.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Gzip;
using ::testing::HasSubstr;
using testing::Ids;
using testing::IdxBytes;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;
using testing::WriteTestFile;

// The data set has two training images and one test image of 2 x 1 pixels.
void WriteIdx(const TempDir& dir) {
  WriteTestFile(dir.Join("train-images-idx3-ubyte.gz"), Gzip(IdxBytes({2, 1, 2}, "abcd")));
  WriteTestFile(dir.Join("train-labels-idx1-ubyte.gz"), Gzip(IdxBytes({2}, {7, 0})));
  WriteTestFile(dir.Join("t10k-images-idx3-ubyte"), IdxBytes({1, 1, 2}, "ef"));
  WriteTestFile(dir.Join("t10k-labels-idx1-ubyte"), IdxBytes({1}, {7}));
}

TEST(IdxDatasetTest, ListsBothSplitsWithIdsAndLabels) {
  const TempDir dir;
  WriteIdx(dir);

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenIdx(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("train/00000", "train/00001", "test/00000"));
  EXPECT_EQ(dataset->example(0).label, "7");
  EXPECT_EQ(dataset->example(1).label, "0");
  EXPECT_EQ(dataset->example(1).split, Split::kTrain);
  EXPECT_EQ(dataset->example(2).split, Split::kTest);
}

TEST(IdxDatasetTest, EncodesEveryImageAsPng) {
  const TempDir dir;
  WriteIdx(dir);

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenIdx(dir.path()));

  EXPECT_EQ(dataset->ReadImage(0).value(), EncodeGrayPng("ab", 2, 1).value());
  EXPECT_EQ(dataset->ReadImage(1).value(), EncodeGrayPng("cd", 2, 1).value());
  EXPECT_EQ(dataset->ReadImage(2).value(), EncodeGrayPng("ef", 2, 1).value());
}

TEST(IdxDatasetTest, MakesDoWithOnePair) {
  const TempDir dir;
  WriteTestFile(dir.Join("t10k-images-idx3-ubyte"), IdxBytes({1, 1, 2}, "ef"));
  WriteTestFile(dir.Join("t10k-labels-idx1-ubyte"), IdxBytes({1}, {7}));

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenIdx(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("test/00000"));
  EXPECT_EQ(dataset->ReadImage(0).value(), EncodeGrayPng("ef", 2, 1).value());
}

TEST(IdxDatasetTest, NamesTheMissingLabels) {
  const TempDir dir;
  WriteTestFile(dir.Join("t10k-images-idx3-ubyte"), IdxBytes({1, 1, 2}, "ef"));

  const auto dataset = OpenIdx(dir.path());

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(dataset, StatusMessage(HasSubstr("t10k-labels-idx1-ubyte")));
}

TEST(IdxDatasetTest, RefusesUnequalNumbersOfImagesAndLabels) {
  const TempDir dir;
  WriteTestFile(dir.Join("t10k-images-idx3-ubyte"), IdxBytes({1, 1, 2}, "ef"));
  WriteTestFile(dir.Join("t10k-labels-idx1-ubyte"), IdxBytes({2}, {7, 8}));

  const auto dataset = OpenIdx(dir.path());

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(dataset, StatusMessage(AllOf(HasSubstr("1 images"), HasSubstr("2 labels"))));
}

TEST(IdxDatasetTest, RefusesImagesWithoutPixels) {
  const TempDir dir;
  WriteTestFile(dir.Join("t10k-images-idx3-ubyte"), IdxBytes({1, 0, 2}, ""));
  WriteTestFile(dir.Join("t10k-labels-idx1-ubyte"), IdxBytes({1}, {7}));

  EXPECT_THAT(OpenIdx(dir.path()), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::dataset
