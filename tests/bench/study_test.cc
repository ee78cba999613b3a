#include "bench/convergence/study.h"

#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::bench {
namespace {

using semblance::testing::StatusIs;
using semblance::testing::StatusMessage;
using semblance::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(StudyTest, ReadsTheLossesOfARecipe) {
  const TempDir dir;
  std::ofstream(dir.Join("losses.tsv")) << "# a comment\n\nfirst\tloss.a=1;epochs=2\nsecond\tloss.b=3\n";

  ASSERT_OK_AND_ASSIGN(const std::vector<Variant> losses, ReadLosses(dir.path()));

  ASSERT_EQ(losses.size(), 2U);
  EXPECT_EQ(losses[0].name, "first");
  EXPECT_THAT(losses[0].settings, ElementsAre("loss.a=1", "epochs=2"));
  EXPECT_THAT(losses[1].settings, ElementsAre("loss.b=3"));
}

TEST(StudyTest, NamesTheLineThatIsNoLoss) {
  const TempDir dir;
  std::ofstream(dir.Join("losses.tsv")) << "first\tloss.a=1\nsecond loss.b=3\n";

  const auto losses = ReadLosses(dir.path());

  EXPECT_THAT(losses.status(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(losses.status(), StatusMessage(HasSubstr("losses.tsv:2")));
}

TEST(StudyTest, FindsTheRecipeByTheNameOfTheDatasDirectory) {
  const TempDir dir;
  StudyOptions options;
  options.data = dir.path();

  EXPECT_THAT(CheckStudyOptions(&options), StatusMessage(HasSubstr("--recipe")));
  EXPECT_THAT(options.recipe, HasSubstr("bench/convergence/recipes/"));

  options.recipe = dir.path();
  std::ofstream(dir.Join("recipe.textproto")) << "epochs: 1";
  EXPECT_OK(CheckStudyOptions(&options));
}

TEST(StudyTest, RefusesDataThatIsNotThere) {
  StudyOptions options;
  options.data = "/nonexistent";

  EXPECT_THAT(CheckStudyOptions(&options), StatusMessage(HasSubstr("--data: there is no /nonexistent")));
}

}  // namespace
}  // namespace semblance::bench
