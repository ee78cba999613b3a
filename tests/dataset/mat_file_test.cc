#include "dataset/mat_file.h"

#include <fstream>
#include <string>

#include "common/file.h"
#include "tests/dataset/files.h"
#include "tests/dataset/mat_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NewMatByte;
using testing::NewMatCells;
using testing::NewMatNumber;
using testing::NewMatStructs;
using testing::NewMatText;
using testing::NewMatWideText;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;
using testing::WriteMatFile;
using testing::WriteTestFile;

const MatRecordFields kFields = {"fname", "class"};

TEST(MatFileTest, ReadsTheTwoFieldsOfStructs) {
  const TempDir dir;
  WriteMatFile(dir.Join("a.mat"), {NewMatStructs("annotations", {"box", "class", "fname"},
                                                 {NewMatNumber(1), NewMatByte(196), NewMatText("00001.jpg"),  //
                                                  NewMatNumber(2), NewMatNumber(3), NewMatWideText("00002.jpg")})});

  ASSERT_OK_AND_ASSIGN(const std::vector<MatRecord> records, ReadMatRecords(dir.Join("a.mat"), "annotations", kFields));

  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].text, "00001.jpg");
  EXPECT_EQ(records[0].number, 196);
  EXPECT_EQ(records[1].text, "00002.jpg");
  EXPECT_EQ(records[1].number, 3);
}

TEST(MatFileTest, ReadsTheTextsOfACellArrayAmongOtherVariables) {
  const TempDir dir;
  WriteMatFile(dir.Join("a.mat"), {NewMatCells("other", {NewMatNumber(1)}),
                                   NewMatCells("class_names", {NewMatText("Ram C/V Van 2012"), NewMatText("Fiat 500")})});

  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> texts, ReadMatTexts(dir.Join("a.mat"), "class_names"));

  EXPECT_THAT(texts, ElementsAre("Ram C/V Van 2012", "Fiat 500"));
}

TEST(MatFileTest, NamesTheElementThatIsNoText) {
  const TempDir dir;
  WriteMatFile(dir.Join("a.mat"), {NewMatCells("class_names", {NewMatText("Fiat"), NewMatNumber(1)})});

  const auto texts = ReadMatTexts(dir.Join("a.mat"), "class_names");

  EXPECT_THAT(texts, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(texts, StatusMessage(AllOf(HasSubstr("a.mat"), HasSubstr("class_names(2)"))));
}

TEST(MatFileTest, NamesTheFieldThatIsMissing) {
  const TempDir dir;
  WriteMatFile(dir.Join("a.mat"), {NewMatStructs("annotations", {"fname"}, {NewMatText("1.jpg")})});

  EXPECT_THAT(ReadMatRecords(dir.Join("a.mat"), "annotations", kFields),
              StatusMessage(AllOf(HasSubstr("a.mat"), HasSubstr("annotations has no field class"))));
}

TEST(MatFileTest, NamesTheElementWithoutAWholeNumber) {
  const TempDir dir;
  WriteMatFile(dir.Join("a.mat"), {NewMatStructs("annotations", {"fname", "class"}, {NewMatText("1.jpg"), NewMatNumber(0.5)})});

  EXPECT_THAT(ReadMatRecords(dir.Join("a.mat"), "annotations", kFields),
              StatusMessage(AllOf(HasSubstr("annotations(1)"), HasSubstr("whole number"))));
}

TEST(MatFileTest, NamesAVariableThatIsNotThereOrOfAnotherKind) {
  const TempDir dir;
  WriteMatFile(dir.Join("a.mat"), {NewMatCells("class_names", {NewMatText("Fiat")})});

  EXPECT_THAT(ReadMatTexts(dir.Join("a.mat"), "names"), StatusMessage(HasSubstr("no cell array \"names\"")));
  EXPECT_THAT(ReadMatRecords(dir.Join("a.mat"), "class_names", kFields), StatusMessage(HasSubstr("no struct array")));
}

TEST(MatFileTest, RefusesWhatIsNoMatFile) {
  const TempDir dir;
  WriteTestFile(dir.Join("a.mat"), "<html>404</html>");

  EXPECT_THAT(ReadMatTexts(dir.Join("a.mat"), "x"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadMatTexts(dir.Join("b.mat"), "x"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(MatFileTest, RefusesAFileThatIsCutOffAnywhere) {
  const TempDir dir;
  WriteMatFile(dir.Join("whole.mat"), {NewMatStructs("annotations", {"fname", "class"},
                                                     {NewMatText("1.jpg"), NewMatByte(1), NewMatText("2.jpg"), NewMatByte(2)})});
  ASSERT_OK_AND_ASSIGN(const std::string whole, ReadFile(dir.Join("whole.mat")));
  ASSERT_OK(ReadMatRecords(dir.Join("whole.mat"), "annotations", kFields));

  for (size_t size = 0; size < whole.size(); ++size) {
    WriteTestFile(dir.Join("cut.mat"), whole.substr(0, size));

    EXPECT_THAT(ReadMatRecords(dir.Join("cut.mat"), "annotations", kFields), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace semblance::dataset
