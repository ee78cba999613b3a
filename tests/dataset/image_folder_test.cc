#include <string>
#include <vector>

#include "dataset/dataset.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Ids;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;
using testing::WriteTestFile;

void WriteFiles(const TempDir& dir, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    WriteTestFile(dir.Join(path), "content of " + path);
  }
}

TEST(ImageFolderTest, TakesTheFirstDirectoryAsTheClass) {
  const TempDir dir;
  WriteFiles(dir, {"dog/b.png", "cat/deep/down/a.JPG", "cat/a.jpeg", "cow/x.webp"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("cat/a.jpeg", "cat/deep/down/a.JPG", "cow/x.webp", "dog/b.png"));
  EXPECT_EQ(dataset->example(1).label, "cat");
  EXPECT_EQ(dataset->example(3).label, "dog");
  EXPECT_EQ(dataset->example(3).split, Split::kUnassigned);
  EXPECT_EQ(dataset->ReadImage(3).value(), "content of dog/b.png");
}

TEST(ImageFolderTest, PassesOverOtherAndHiddenFiles) {
  const TempDir dir;
  WriteFiles(dir, {"cat/a.png", "cat/notes.txt", "cat/.b.png", ".git/c.png", "README"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("cat/a.png"));
}

TEST(ImageFolderTest, TakesSplitsFromTrainAndTest) {
  const TempDir dir;
  WriteFiles(dir, {"train/cat/a.png", "test/cat/b.png", "val/cat/c.png"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("test/cat/b.png", "train/cat/a.png"));
  EXPECT_EQ(dataset->example(0).split, Split::kTest);
  EXPECT_EQ(dataset->example(1).split, Split::kTrain);
  EXPECT_EQ(dataset->example(1).label, "cat");
}

TEST(ImageFolderTest, RefusesNamesThatAreNotUtf8) {
  const TempDir dir;
  WriteFiles(dir, {"caf\xC3\xA9/a.png", "caf\xE9/b.png"});

  EXPECT_THAT(OpenImageFolder(dir.path()).status(),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr("caf\\xe9/b.png"))));
}

TEST(ImageFolderTest, LetsClassesBeCalledTrainAndTest) {
  const TempDir dir;
  WriteFiles(dir, {"train/locomotive.png", "test/tube.png"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_EQ(dataset->example(1).label, "train");
  EXPECT_EQ(dataset->example(1).split, Split::kUnassigned);
}

TEST(ImageFolderTest, LeavesImagesOutsideOfAnyClassWithoutLabel) {
  const TempDir dir;
  WriteFiles(dir, {"a.png"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_EQ(dataset->example(0).label, "");
}

TEST(ImageFolderTest, RefusesADirectoryWithoutImages) {
  const TempDir dir;
  WriteFiles(dir, {"cat/notes.txt"});

  const auto dataset = OpenImageFolder(dir.path());

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(dataset, StatusMessage(HasSubstr("DIR/class/image.jpg")));
}

TEST(ImageFolderTest, NamesADirectoryThatIsNotThere) {
  const TempDir dir;

  const auto dataset = OpenImageFolder(dir.Join("absent"));

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(dataset, StatusMessage(HasSubstr("absent")));
}

TEST(ImageFolderTest, ReportsAnImageThatWentAway) {
  const TempDir dir;
  WriteFiles(dir, {"cat/a.png"});
  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));
  std::filesystem::remove(dir.Join("cat/a.png"));

  const auto image = dataset->ReadImage(0);

  EXPECT_THAT(image, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(image, StatusMessage(HasSubstr("cat/a.png")));
}

}  // namespace
}  // namespace semblance::dataset
