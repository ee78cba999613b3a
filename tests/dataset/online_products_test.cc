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

constexpr char kTrain[] = "image_id class_id super_class_id path\n1 1 1 bicycle_final/1_0.JPG\n2 1 1 bicycle_final/1_1.JPG\n";
constexpr char kTest[] = "image_id class_id super_class_id path\r\n59552 11319 1 kettle_final/2 0.JPG\r\n";

absl::StatusOr<std::unique_ptr<Dataset>> OpenWith(const TempDir& dir, const std::string& train, const std::string& test) {
  WriteTestFile(dir.Join("Ebay_train.txt"), train);
  WriteTestFile(dir.Join("Ebay_test.txt"), test);
  return OpenDataset(dir.path());
}

TEST(OnlineProductsTest, IsRecognisedAndTakesSplitsFromItsTwoLists) {
  const TempDir dir;
  WriteTestFile(dir.Join("bicycle_final/1_1.JPG"), "bytes");

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenWith(dir, kTrain, kTest));

  EXPECT_THAT(Ids(*dataset), ElementsAre("bicycle_final/1_0.JPG", "bicycle_final/1_1.JPG", "kettle_final/2 0.JPG"));
  EXPECT_EQ(dataset->example(0).label, "1");
  EXPECT_EQ(dataset->example(2).label, "11319");
  EXPECT_EQ(dataset->example(1).split, Split::kTrain);
  EXPECT_EQ(dataset->example(2).split, Split::kTest);
  EXPECT_EQ(dataset->ReadImage(1).value(), "bytes");
}

TEST(OnlineProductsTest, NamesTheFileAndLineThatIsWrong) {
  const TempDir dir;
  const std::string header = "image_id class_id super_class_id path\n";

  EXPECT_THAT(OpenWith(dir, "1 1 1 a.JPG\n", kTest), StatusMessage(AllOf(HasSubstr("Ebay_train.txt:1: "), HasSubstr("header"))));
  EXPECT_THAT(OpenWith(dir, kTrain, header + "1 1 a.JPG\n"),
              StatusMessage(AllOf(HasSubstr("Ebay_test.txt:2: "), HasSubstr("super_class_id"))));
  EXPECT_THAT(OpenWith(dir, kTrain, header + "1 x 1 a.JPG\n"),
              StatusMessage(AllOf(HasSubstr("Ebay_test.txt:2: "), HasSubstr("class_id is \"x\""))));
  EXPECT_THAT(OpenWith(dir, header, kTest), StatusMessage(HasSubstr("Ebay_train.txt: lists no images")));
}

TEST(OnlineProductsTest, NamesTheListThatIsMissing) {
  const TempDir dir;
  WriteTestFile(dir.Join("Ebay_train.txt"), kTrain);

  const auto dataset = OpenDataset(dir.path());

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(dataset, StatusMessage(HasSubstr("Ebay_test.txt")));
}

}  // namespace
}  // namespace semblance::dataset
