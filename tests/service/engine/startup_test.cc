#include "service/engine/startup.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"

namespace semblance::testing {
namespace {

using service::Startup;

class StartupTest : public ::testing::Test, public LiveFixture {
 protected:
  absl::StatusOr<Startup::Result> Load(const std::string& model_dir) {
    return Startup(&store(), &catalog(), loader()).Load(model_dir);
  }

  std::string Model(char weight) {
    WriteFakeModel(ModelDir(weight), weight);
    return ModelDir(weight);
  }

  // The generation that active.json names, and the one that was active before it.
  std::string Active() { return store().ReadActive()->value_or(storage::v1::ActiveGeneration()).generation(); }
  std::string Previous() { return store().ReadActive()->value_or(storage::v1::ActiveGeneration()).previous(); }

  // Makes a generation impossible to load.
  void Damage(const std::string& id) { std::filesystem::remove_all(store().BundleDir(id)); }
};

TEST_F(StartupTest, LoadsNothingBeforeTheFirstActivation) {
  const auto result = Load("");
  ASSERT_OK(result);
  EXPECT_EQ(result->generation, nullptr);
  EXPECT_EQ(Active(), "");
}

TEST_F(StartupTest, MakesAGenerationOfAModelAndItsChoiceIsDurable) {
  Upsert({ItemOf("a", 1)});
  const auto result = Load(Model(1));
  ASSERT_OK(result);
  EXPECT_EQ(result->generation->manifest().id(), "gen-000001");
  EXPECT_EQ(result->degraded_reason, "");
  ExpectHas(*result->generation, {{"a", 1}});
  EXPECT_EQ(Active(), "gen-000001");
  EXPECT_EQ(Previous(), "");
}

TEST_F(StartupTest, LoadsTheGenerationThatWasMadeOfTheModelBefore) {
  ASSERT_OK(Load(Model(1)));
  ASSERT_OK(Load(Model(2)));
  EXPECT_EQ(Active(), "gen-000002");
  EXPECT_EQ(Previous(), "gen-000001");
  const auto again = Load(ModelDir(1));
  ASSERT_OK(again);
  EXPECT_EQ(again->generation->manifest().id(), "gen-000001");
  EXPECT_EQ(Previous(), "gen-000002");
}

TEST_F(StartupTest, WithoutAModelItLoadsTheActiveGeneration) {
  ASSERT_OK(Load(Model(1)));
  ASSERT_OK(Load(Model(2)));
  const auto result = Load("");
  ASSERT_OK(result);
  EXPECT_EQ(result->generation->manifest().id(), "gen-000002");
  EXPECT_EQ(Previous(), "gen-000001") << "nothing changes";
}

TEST_F(StartupTest, FallsBackToTheGenerationThatWasActiveBefore) {
  ASSERT_OK(Load(Model(1)));
  ASSERT_OK(Load(Model(2)));
  Damage("gen-000002");
  const auto result = Load("");
  ASSERT_OK(result);
  EXPECT_EQ(result->generation->manifest().id(), "gen-000001");
  EXPECT_THAT(result->degraded_reason, ::testing::HasSubstr("gen-000001 answers in place of gen-000002"));
  EXPECT_EQ(Active(), "gen-000002") << "the next start tries it again";
}

TEST_F(StartupTest, ReturnsTheErrorWhenThereIsNothingToFallBackTo) {
  ASSERT_OK(Load(Model(1)));
  Damage("gen-000001");
  EXPECT_FALSE(Load("").ok());
}

TEST_F(StartupTest, DoesNotFallBackFromAModelThatWasAskedFor) {
  ASSERT_OK(Load(Model(1)));
  EXPECT_FALSE(Load(ModelDir(9)).ok());
  EXPECT_EQ(Active(), "gen-000001");
}

}  // namespace
}  // namespace semblance::testing
