#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dataset/dataset.h"
#include "tests/dataset/files.h"
#include "tests/dataset/mat_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Ids;
using testing::NewMatByte;
using testing::NewMatCells;
using testing::NewMatNumber;
using testing::NewMatStructs;
using testing::NewMatText;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;
using testing::WriteMatFile;
using testing::WriteTestFile;

// Returns the names "Car 1" to "Car 196".
void WriteMeta(const std::string& path) {
  std::vector<matvar_t*> names;
  for (int number = 1; number <= 196; ++number) {
    names.push_back(NewMatText(absl::StrCat("Car ", number)));
  }
  WriteMatFile(path, {NewMatCells("class_names", names)});
}

void WriteAnnotations(const std::string& path, const char* path_field, const std::vector<std::pair<std::string, uint8_t>>& images) {
  std::vector<matvar_t*> values;
  for (const auto& [name, number] : images) {
    values.insert(values.end(), {NewMatNumber(30), NewMatByte(number), NewMatText(name)});
  }
  WriteMatFile(path, {NewMatStructs("annotations", {"bbox_x1", "class", path_field}, values)});
}

// Makes the form with the two folders of the classification task.
void WriteApart(const TempDir& dir) {
  WriteMeta(dir.Join("devkit/cars_meta.mat"));
  WriteAnnotations(dir.Join("devkit/cars_train_annos.mat"), "fname", {{"00001.jpg", 98}, {"00002.jpg", 196}});
  WriteTestFile(dir.Join("cars_train/00002.jpg"), "bytes of 2");
}

TEST(Cars196Test, ReadsTheFormWithTwoFolders) {
  const TempDir dir;
  WriteApart(dir);
  WriteAnnotations(dir.Join("cars_test_annos_withlabels.mat"), "fname", {{"00001.jpg", 1}, {"00002.jpg", 99}});

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenDataset(dir.path()));
  ASSERT_OK_AND_ASSIGN(const SplitIndices split, AssignSplit(*dataset, HoldOut::kItems, 0.5));

  EXPECT_THAT(Ids(*dataset),
              ElementsAre("cars_train/00001.jpg", "cars_train/00002.jpg", "cars_test/00001.jpg", "cars_test/00002.jpg"));
  EXPECT_EQ(dataset->example(1).label, "Car 196");
  EXPECT_EQ(dataset->ReadImage(1).value(), "bytes of 2");
  EXPECT_THAT(split.train, ElementsAre(0, 2));
  EXPECT_THAT(split.test, ElementsAre(1, 3));
}

TEST(Cars196Test, ReadsTheFormWithOneFolder) {
  const TempDir dir;
  WriteMeta(dir.Join("devkit/cars_meta.mat"));
  WriteAnnotations(dir.Join("cars_annos.mat"), "relative_im_path", {{"car_ims/000001.jpg", 98}, {"car_ims/000002.jpg", 99}});
  WriteTestFile(dir.Join("car_ims/000001.jpg"), "bytes of 1");

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenDataset(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("car_ims/000001.jpg", "car_ims/000002.jpg"));
  EXPECT_EQ(dataset->example(0).label, "Car 98");
  EXPECT_EQ(dataset->example(0).split, Split::kTrain);
  EXPECT_EQ(dataset->example(1).split, Split::kTest);
  EXPECT_EQ(dataset->ReadImage(0).value(), "bytes of 1");
}

TEST(Cars196Test, SaysWhichAnnotationsAreNeededWhereTheTestHasNoClasses) {
  const TempDir dir;
  WriteApart(dir);

  const auto dataset = OpenDataset(dir.path());

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(dataset, StatusMessage(AllOf(HasSubstr("cars_test_annos_withlabels.mat"), HasSubstr("has no classes"))));
}

TEST(Cars196Test, SaysWhereImagesAreExpected) {
  const TempDir dir;
  WriteMeta(dir.Join("cars_meta.mat"));
  WriteAnnotations(dir.Join("cars_annos.mat"), "relative_im_path", {{"car_ims/000001.jpg", 98}});

  EXPECT_THAT(OpenDataset(dir.path()), StatusMessage(AllOf(HasSubstr("car_ims/"), HasSubstr("cars_train/"))));
}

TEST(Cars196Test, RefusesAClassWithoutAName) {
  const TempDir dir;
  WriteMeta(dir.Join("cars_meta.mat"));
  WriteAnnotations(dir.Join("cars_annos.mat"), "relative_im_path", {{"car_ims/000001.jpg", 197}});
  WriteTestFile(dir.Join("car_ims/000001.jpg"), "");

  EXPECT_THAT(OpenDataset(dir.path()),
              StatusMessage(AllOf(HasSubstr("cars_annos.mat"), HasSubstr("car_ims/000001.jpg is 197"), HasSubstr("1 to 196"))));
}

}  // namespace
}  // namespace semblance::dataset
