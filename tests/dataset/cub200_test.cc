#include <string>

#include "dataset/dataset.h"
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

struct CubFiles {
  std::string images = "1 001.Albatross/a.jpg\n2 100.Pelican/b.jpg\n3 101.Pelican/c.jpg\n4 200.Yellowthroat/d e.jpg\n";
  std::string labels = "1 1\n2 100\n3 101\n4 200\n";
  std::string classes = "1 001.Albatross\n100 100.Pelican\n101 101.Pelican\n200 200.Yellowthroat\n";
};

absl::StatusOr<std::unique_ptr<Dataset>> OpenCubWith(const TempDir& dir, const CubFiles& files) {
  WriteTestFile(dir.Join("images.txt"), files.images);
  WriteTestFile(dir.Join("image_class_labels.txt"), files.labels);
  WriteTestFile(dir.Join("classes.txt"), files.classes);
  // This file belongs to the classification task, and must not be used.
  WriteTestFile(dir.Join("train_test_split.txt"), "1 0\n2 1\n3 0\n4 1\n");
  return OpenDataset(dir.path());
}

TEST(Cub200Test, IsRecognisedAndTakesNamesPathsAndOrderFromItsLists) {
  const TempDir dir;
  WriteTestFile(dir.Join("images/101.Pelican/c.jpg"), "bytes of c");

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenCubWith(dir, CubFiles()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("images/001.Albatross/a.jpg", "images/100.Pelican/b.jpg", "images/101.Pelican/c.jpg",
                                         "images/200.Yellowthroat/d e.jpg"));
  EXPECT_EQ(dataset->example(3).label, "200.Yellowthroat");
  EXPECT_EQ(dataset->ReadImage(2).value(), "bytes of c");
}

TEST(Cub200Test, HoldsOutTheSecondHundredClasses) {
  const TempDir dir;

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenCubWith(dir, CubFiles()));
  ASSERT_OK_AND_ASSIGN(const SplitIndices split, AssignSplit(*dataset, HoldOut::kItems, 0.5));

  EXPECT_THAT(split.train, ElementsAre(0, 1));
  EXPECT_THAT(split.test, ElementsAre(2, 3));
}

TEST(Cub200Test, NamesTheFileAndLineThatIsWrong) {
  const TempDir dir;
  CubFiles no_number;
  no_number.images = "1 001.Albatross/a.jpg\nb.jpg\n";
  CubFiles no_class;
  no_class.labels = "1 1\n2 100\n3 101\n";
  CubFiles unknown_class;
  unknown_class.labels = "1 1\n2 100\n3 102\n4 200\n";
  CubFiles twice;
  twice.classes = "1 a\n1 b\n";

  EXPECT_THAT(OpenCubWith(dir, no_number), StatusMessage(AllOf(HasSubstr("images.txt:2: "), HasSubstr("image_id image_name"))));
  EXPECT_THAT(OpenCubWith(dir, no_class), StatusMessage(AllOf(HasSubstr("images.txt:4: "), HasSubstr("image_class_labels.txt"))));
  EXPECT_THAT(OpenCubWith(dir, unknown_class), StatusMessage(AllOf(HasSubstr("images.txt:3: "), HasSubstr("class 102"))));
  EXPECT_THAT(OpenCubWith(dir, twice), StatusMessage(HasSubstr("classes.txt:2: ")));
}

TEST(Cub200Test, NamesAListThatIsMissing) {
  const TempDir dir;
  WriteTestFile(dir.Join("images.txt"), "1 a.jpg\n");
  WriteTestFile(dir.Join("image_class_labels.txt"), "1 1\n");

  const auto dataset = OpenDataset(dir.path());

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(dataset, StatusMessage(HasSubstr("classes.txt")));
}

TEST(Cub200Test, RefusesAnImageThatIsListedTwice) {
  const TempDir dir;
  CubFiles files;
  files.images = "1 a.jpg\n2 a.jpg\n";

  EXPECT_THAT(OpenCubWith(dir, files), StatusMessage(HasSubstr("images/a.jpg is listed twice")));
}

}  // namespace
}  // namespace semblance::dataset
