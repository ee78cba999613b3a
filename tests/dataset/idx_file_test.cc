#include "dataset/idx_file.h"

#include <string>

#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"

namespace semblance::dataset {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IdxBytes;
using testing::StatusIs;
using testing::StatusMessage;

TEST(IdxFileTest, ReadsShapeAndValues) {
  ASSERT_OK_AND_ASSIGN(const IdxArray array, ParseIdx(IdxBytes({2, 1, 3}, "abcdef"), /*axes=*/3, "images"));

  EXPECT_THAT(array.shape, ElementsAre(2, 1, 3));
  EXPECT_EQ(array.values, "abcdef");
}

TEST(IdxFileTest, ReadsSizesAboveOneByte) {
  ASSERT_OK_AND_ASSIGN(const IdxArray array, ParseIdx(IdxBytes({70'000}, std::string(70'000, 'v')), /*axes=*/1, "labels"));

  EXPECT_THAT(array.shape, ElementsAre(70'000));
}

TEST(IdxFileTest, RefusesAnotherNumberOfAxes) {
  EXPECT_THAT(ParseIdx(IdxBytes({2, 1, 3}, "abcdef"), /*axes=*/1, "labels"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(IdxFileTest, RefusesEveryTruncation) {
  const std::string bytes = IdxBytes({2, 2}, "abcd");

  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ParseIdx(bytes.substr(0, size), /*axes=*/2, "x"), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
}

TEST(IdxFileTest, SaysHowManyValuesAreMissing) {
  EXPECT_THAT(ParseIdx(IdxBytes({5}, "abc"), /*axes=*/1, "the-labels"),
              StatusMessage(AllOf(HasSubstr("the-labels"), HasSubstr("3 values"), HasSubstr("promises 5"))));
}

TEST(IdxFileTest, RefusesSizesWhoseProductOverflows) {
  EXPECT_THAT(ParseIdx(IdxBytes({0xffffffff, 0xffffffff, 0xffffffff}, ""), /*axes=*/3, "x"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::dataset
