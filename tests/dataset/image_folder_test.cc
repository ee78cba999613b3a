#include <filesystem>
#include <string>
#include <vector>

#include "dataset/dataset.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::Ids;
using ::testing::IsEmpty;
using ::testing::StartsWith;
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

TEST(ImageFolderTest, KnowsTheEndingsOfAllFormats) {
  const TempDir dir;
  WriteFiles(dir,
             {"c/a.jpg", "c/b.jpeg", "c/c.jpe", "c/d.JFIF", "c/e.png", "c/f.webp", "c/g.gif", "c/h.bmp", "c/i.tif", "c/j.TIFF"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_EQ(dataset->size(), 10);
  EXPECT_THAT(dataset->remarks(), IsEmpty());
}

TEST(ImageFolderTest, TellsWhatItPassedOver) {
  const TempDir dir;
  WriteFiles(dir, {"a/1.png", "a/1.heic", "a/2.HEIC", "b/1.mov", "b/deep/3.heic", "b/README", "b/.hidden.mov"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_THAT(dataset->remarks(), ElementsAre("5 files passed over (3 .heic, 1 without an ending, 1 .mov)"));
}

TEST(ImageFolderTest, TellsWhatLiesBesideTrainAndTest) {
  const TempDir dir;
  WriteFiles(dir, {"train/cat/a.png", "test/cat/b.png", "val/cat/c.png", "val/cat/d.png"});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_THAT(dataset->remarks(), ElementsAre("2 images beside train/ and test/ passed over"));
}

TEST(ImageFolderTest, FollowsLinksToOtherDirectories) {
  const TempDir dir;
  WriteFiles(dir, {"data/cat/a.png", "elsewhere/b.png"});
  std::filesystem::create_directory_symlink(dir.Join("elsewhere"), dir.Join("data/dog"));
  std::filesystem::create_directory_symlink(dir.Join("elsewhere"), dir.Join("data/cow"));

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.Join("data")));

  EXPECT_THAT(Ids(*dataset), ElementsAre("cat/a.png", "cow/b.png", "dog/b.png"));
}

// Three of them in one directory would otherwise take forever.
TEST(ImageFolderTest, PassesOverLinksToADirectoryThatTheyAreIn) {
  const TempDir dir;
  WriteFiles(dir, {"cat/a.png", "dog/deep/b.png"});
  std::filesystem::create_directory_symlink("..", dir.Join("cat/up"));
  std::filesystem::create_directory_symlink(dir.path(), dir.Join("dog/deep/top"));
  std::filesystem::create_directory_symlink(".", dir.Join("dog/self"));

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenImageFolder(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("cat/a.png", "dog/deep/b.png"));
  EXPECT_THAT(dataset->remarks(), ElementsAre(StartsWith("cat/up was passed over"), StartsWith("dog/deep/top was passed over"),
                                              StartsWith("dog/self was passed over")));
}

TEST(ImageFolderTest, ReadsNothingOutsideOfTheDataRoot) {
  const TempDir dir;
  WriteFiles(dir, {"root/data/cat/a.png", "root/more/b.png", "outside/c.png"});
  ASSERT_OK_AND_ASSIGN(const DataRoot root, DataRoot::Open(dir.Join("root")));
  std::filesystem::create_directory_symlink("../more", dir.Join("root/data/dog"));
  ASSERT_OK_AND_ASSIGN(const auto inside, OpenImageFolder(dir.Join("root/data"), root));
  EXPECT_EQ(inside->ReadImage(1).value(), "content of root/more/b.png");
  EXPECT_THAT(OpenImageFolder(dir.Join("outside"), root), HasReason("PATH_OUTSIDE_ROOT"));

  std::filesystem::create_directory_symlink(dir.Join("outside"), dir.Join("root/data/directory"));
  EXPECT_THAT(OpenImageFolder(dir.Join("root/data"), root),
              AllOf(HasReason("PATH_OUTSIDE_ROOT"), StatusMessage(HasSubstr("root/data/directory"))));
  std::filesystem::remove(dir.Join("root/data/directory"));

  std::filesystem::create_symlink(dir.Join("outside/c.png"), dir.Join("root/data/cat/file.png"));
  EXPECT_THAT(OpenImageFolder(dir.Join("root/data"), root),
              AllOf(HasReason("PATH_OUTSIDE_ROOT"), StatusMessage(HasSubstr("cat/file.png"))));
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
  EXPECT_THAT(dataset, StatusMessage(AllOf(HasSubstr("DIR/class/image.jpg"), HasSubstr("1 file passed over (1 .txt)"))));
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
