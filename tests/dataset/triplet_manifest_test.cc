#include "dataset/triplet_manifest.h"

#include <string>

#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Ids;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;
using testing::WriteTestFile;

absl::StatusOr<TripletData> OpenWith(const TempDir& dir, const std::string& content) {
  WriteTestFile(dir.Join("triplets.tsv"), content);
  return OpenTripletManifest(dir.Join("triplets.tsv"));
}

TEST(TripletManifestTest, NumbersEachImageOnceInTheOrderOfItsFirstMention) {
  const TempDir dir;
  WriteTestFile(dir.Join("img/b.png"), "bytes of b");

  ASSERT_OK_AND_ASSIGN(const TripletData data,
                       OpenWith(dir, "anchor\tpositive\tnegative\na.png\timg/b.png\tc.png\nc.png\td.png\timg/b.png\n"));

  EXPECT_THAT(Ids(*data.images), ElementsAre("a.png", "img/b.png", "c.png", "d.png"));
  EXPECT_THAT(data.triplets, ElementsAre(Triplet{0, 1, 2}, Triplet{2, 3, 1}));
  EXPECT_EQ(data.images->example(0).label, "");
  EXPECT_EQ(data.images->example(0).split, Split::kUnassigned);
  EXPECT_EQ(data.images->ReadImage(1).value(), "bytes of b");
}

TEST(TripletManifestTest, FindsColumnsByNameAndPassesOverCommentsAndOthers) {
  const TempDir dir;

  ASSERT_OK_AND_ASSIGN(const TripletData data,
                       OpenWith(dir, "# ours\r\n\r\nnegative\twho\tanchor\tpositive\r\nn\tme\ta\ta\r\n# end\r\n"));

  EXPECT_THAT(Ids(*data.images), ElementsAre("a", "n"));
  EXPECT_THAT(data.triplets, ElementsAre(Triplet{0, 0, 1}));
}

TEST(TripletManifestTest, IsToldFromAManifestOfLabels) {
  const TempDir dir;
  WriteTestFile(dir.Join("triplets.tsv"), "# ours\nanchor\tpositive\tnegative\na\tb\tc\n");
  WriteTestFile(dir.Join("labels.tsv"), "path\tlabel\na\tb\n");

  EXPECT_TRUE(IsTripletManifest(dir.Join("triplets.tsv")));
  EXPECT_FALSE(IsTripletManifest(dir.Join("labels.tsv")));
  EXPECT_FALSE(IsTripletManifest(dir.Join("absent.tsv")));
  EXPECT_FALSE(IsTripletManifest(dir.path()));
}

TEST(TripletManifestTest, OpensAsItsImagesWhereNoTripletsAreAskedFor) {
  const TempDir dir;
  WriteTestFile(dir.Join("triplets.tsv"), "anchor\tpositive\tnegative\na\tb\tc\n");

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenDataset(dir.Join("triplets.tsv")));

  EXPECT_THAT(Ids(*dataset), ElementsAre("a", "b", "c"));
}

struct BadTriplets {
  const char* name;
  const char* content;
  const char* line;
  const char* message;
};

class BadTripletsTest : public ::testing::TestWithParam<BadTriplets> {};

TEST_P(BadTripletsTest, AreRefusedWithTheLine) {
  const TempDir dir;

  const auto data = OpenWith(dir, GetParam().content);

  EXPECT_THAT(data, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(data, StatusMessage(AllOf(HasSubstr(GetParam().line), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    TripletManifestTest, BadTripletsTest,
    ::testing::Values(
        BadTriplets{"NoHeader", "a\tb\tc\n", "triplets.tsv:1", "anchor, positive and negative"},
        BadTriplets{"TooFewCells", "anchor\tpositive\tnegative\na\tb\n", "triplets.tsv:2", "found 2"},
        BadTriplets{"EmptyPath", "anchor\tpositive\tnegative\na\t\tc\n", "triplets.tsv:2", "of the positive is empty"},
        BadTriplets{"NegativeIsAnchor", "anchor\tpositive\tnegative\na\tb\ta\n", "triplets.tsv:2", "also the anchor"},
        BadTriplets{"NegativeIsPositive", "anchor\tpositive\tnegative\na\tb\tb\n", "triplets.tsv:2", "also the positive"},
        BadTriplets{"NoTriplets", "anchor\tpositive\tnegative\n", "triplets.tsv", "no triplets"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace semblance::dataset
