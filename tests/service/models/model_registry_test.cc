#include "service/models/model_registry.h"

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/service/models/model_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::ModelFixture;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ModelRegistryTest : public ::testing::Test, protected ModelFixture {};

TEST_F(ModelRegistryTest, ADirectoryWithAVersionGivesItToTheModel) {
  Write("shoes/3");

  const absl::Time before = absl::Now() - absl::Seconds(1);  // Times are kept in whole seconds.
  ASSERT_OK_AND_ASSIGN(const Registration registration, registry().Register("shoes/3"));

  EXPECT_TRUE(registration.created);
  const ModelInfo& model = registration.model;
  EXPECT_EQ(model.name, "shoes");
  EXPECT_EQ(model.version, 3);
  EXPECT_EQ(model.path, "shoes/3");
  EXPECT_EQ(model.dimension, 4);
  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(Join("shoes/3")));
  EXPECT_EQ(model.embedding_space_id, manifest.embedding_space_id());
  EXPECT_EQ(model.create_time, absl::FromUnixSeconds(1714979289)) << "2024-05-06T07:08:09Z";
  EXPECT_GE(model.register_time, before);
  EXPECT_THAT(model.aliases, IsEmpty());
}

TEST_F(ModelRegistryTest, OtherDirectoriesGetTheNextFreeVersion) {
  EXPECT_EQ(Register("fresh"), "shoes/1");
  EXPECT_EQ(Register("boots/9"), "shoes/2") << "the model is not called boots";
  EXPECT_EQ(Register("shoes/10"), "shoes/10");
  EXPECT_EQ(Register("shoes/nightly"), "shoes/11");
  EXPECT_EQ(Register("shoes/4"), "shoes/4");
  EXPECT_THAT(Names(), ElementsAre("shoes/1", "shoes/2", "shoes/4", "shoes/10", "shoes/11"));
}

TEST_F(ModelRegistryTest, AVersionThatADirectoryClaimsIsNotGivenToAnother) {
  Write("shoes/7");
  EXPECT_EQ(Register("fresh", 2), "shoes/8");
  EXPECT_OK(registry().Register("shoes/7"));
}

TEST_F(ModelRegistryTest, AfterTheLastVersionThereIsNone) {
  Register("shoes/2147483647");
  Write("fresh");
  EXPECT_THAT(registry().Register("fresh"), HasReason("LIMIT_EXCEEDED"));
}

TEST_F(ModelRegistryTest, ARegisteredBundleIsAnsweredAsItIs) {
  Register("shoes/3");
  Register("fresh");

  for (const char* path : {"shoes/3", "./shoes//3/", "shoes/../shoes/3", "fresh"}) {
    ASSERT_OK_AND_ASSIGN(const Registration again, registry().Register(path));
    EXPECT_FALSE(again.created) << path;
  }
  EXPECT_THAT(Names(), ElementsAre("shoes/3", "shoes/4"));
}

TEST_F(ModelRegistryTest, ACopyUnderARegisteredVersionIsAnsweredAsTheFirst) {
  Register("fresh");
  Write("shoes/1");

  ASSERT_OK_AND_ASSIGN(const Registration copy, registry().Register("shoes/1"));

  EXPECT_FALSE(copy.created);
  EXPECT_EQ(copy.model.path, "fresh");
}

TEST_F(ModelRegistryTest, OtherContentUnderARegisteredVersionIsRefused) {
  Register("fresh", 1);
  Write("shoes/1", 2);
  const auto exists = AllOf(StatusIs(absl::StatusCode::kAlreadyExists), HasReason("MODEL_EXISTS"));
  EXPECT_THAT(registry().Register("shoes/1"), exists);

  ASSERT_OK(RemoveAll(Join("fresh")));
  Write("fresh", 3);
  EXPECT_THAT(registry().Register("fresh"), exists) << "a bundle does not change";
  EXPECT_THAT(Names(), ElementsAre("shoes/1"));
}

TEST_F(ModelRegistryTest, ModelsAreFoundByVersionByAliasAndAsTheGreatest) {
  Register("shoes/9", 1);
  Register("shoes/10", 2);
  ASSERT_OK(registry().SetAlias("champion", "shoes/9"));

  ASSERT_OK_AND_ASSIGN(const ModelBundle version, registry().Resolve("shoes/9"));
  EXPECT_EQ(version.model.version, 9);
  EXPECT_EQ(version.bundle_dir, std::filesystem::canonical(Join("shoes/9")).string());
  ASSERT_OK_AND_ASSIGN(const ModelBundle champion, registry().Resolve("shoes@champion"));
  EXPECT_EQ(champion.model.version, 9);
  ASSERT_OK_AND_ASSIGN(const ModelBundle greatest, registry().Resolve("shoes"));
  EXPECT_EQ(greatest.model.version, 10);
  for (const char* name : {"boots", "shoes/8", "shoes@candidate", "shoe"}) {
    EXPECT_THAT(registry().Resolve(name), AllOf(StatusIs(absl::StatusCode::kNotFound), HasReason("MODEL_NOT_FOUND"))) << name;
  }
  EXPECT_THAT(registry().Resolve("Shoes"), AllOf(HasReason("INVALID_MODEL_NAME"), HasField("model")));
}

TEST_F(ModelRegistryTest, AModelWhoseFilesAreGoneIsFoundButNotResolved) {
  Register("shoes/1");
  ASSERT_OK(RemoveAll(Join("shoes/1")));

  EXPECT_OK(registry().Find("shoes/1"));
  EXPECT_THAT(registry().Resolve("shoes/1"), HasReason("BUNDLE_NOT_FOUND"));

  testing::ModelFixture::WriteBundleTo(outside());
  Link("shoes/1", outside());
  EXPECT_THAT(registry().Resolve("shoes/1"), HasReason("PATH_OUTSIDE_ROOT"));
}

TEST_F(ModelRegistryTest, ListsThoseOfAName) {
  Register("shoes/1");
  EXPECT_EQ(registry().List("shoes")->size(), 1U);
  EXPECT_THAT(*registry().List("boots"), IsEmpty());
  EXPECT_THAT(registry().List("shoes/1"), AllOf(HasReason("INVALID_MODEL_NAME"), HasField("name")));
}

TEST_F(ModelRegistryTest, AnAliasMovesAndGoes) {
  Register("shoes/1", 1);
  Register("shoes/2", 2);
  ASSERT_OK(registry().SetAlias("candidate", "shoes/2"));
  ASSERT_OK(registry().SetAlias("champion", "shoes/1"));

  ASSERT_OK_AND_ASSIGN(const ModelInfo promoted, registry().SetAlias("champion", "shoes@candidate"));

  EXPECT_EQ(promoted.version, 2);
  EXPECT_THAT(promoted.aliases, ElementsAre("candidate", "champion"));
  EXPECT_THAT(registry().Find("shoes/1")->aliases, IsEmpty());
  ASSERT_OK(registry().RemoveAlias("candidate", "shoes"));
  ASSERT_OK(registry().RemoveAlias("candidate", "shoes"));
  EXPECT_THAT(registry().Find("shoes/2")->aliases, ElementsAre("champion"));
}

TEST_F(ModelRegistryTest, RefusesAliasesOfNothing) {
  Register("shoes/1");
  EXPECT_THAT(registry().SetAlias("best", "shoes/1"), AllOf(HasReason("INVALID_ALIAS"), HasField("alias")));
  EXPECT_THAT(registry().SetAlias("champion", "shoes/2"), HasReason("MODEL_NOT_FOUND"));
  EXPECT_THAT(registry().RemoveAlias("", "shoes"), HasReason("INVALID_ALIAS"));
  EXPECT_THAT(registry().RemoveAlias("champion", ""), AllOf(HasReason("INVALID_MODEL_NAME"), HasField("name")));
  EXPECT_THAT(registry().RemoveAlias("champion", "boots"), HasReason("MODEL_NOT_FOUND"));
}

TEST_F(ModelRegistryTest, AModelWithAnAliasIsNotDeleted) {
  Register("shoes/1");
  ASSERT_OK(registry().SetAlias("champion", "shoes/1"));
  EXPECT_THAT(registry().Delete("shoes"), AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("MODEL_HAS_ALIAS")));
  ASSERT_OK(registry().RemoveAlias("champion", "shoes"));
  EXPECT_OK(registry().Delete("shoes"));
}

TEST_F(ModelRegistryTest, ADeletedModelLeavesItsFilesAndComesBackWhenAsked) {
  Register("shoes/1");

  ASSERT_OK_AND_ASSIGN(const ModelInfo deleted, registry().Delete("shoes/1"));

  EXPECT_EQ(deleted.path, "shoes/1");
  EXPECT_OK(embedder::ReadBundle(Join("shoes/1")));
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_TRUE(registry().IsKnown("shoes/1"));
  Reopen();
  EXPECT_TRUE(registry().IsKnown("shoes/1"));
  EXPECT_THAT(registry().Register("shoes/1", ModelRegistry::IfDeleted::kRefuse), StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_OK_AND_ASSIGN(const Registration again, registry().Register("shoes/1"));
  EXPECT_TRUE(again.created);
  EXPECT_TRUE(registry().Register("shoes/1", ModelRegistry::IfDeleted::kRefuse).ok());
}

TEST_F(ModelRegistryTest, ADeletedVersionIsNotGivenOutAgain) {
  Register("first", 1);
  ASSERT_OK(registry().Delete("shoes/1"));
  Reopen();
  EXPECT_EQ(Register("second", 2), "shoes/2");
}

TEST_F(ModelRegistryTest, EverythingSurvivesARestart) {
  Register("shoes/1", 1);
  Register("fresh", 2);
  ASSERT_OK(registry().SetAlias("champion", "shoes/2"));
  ASSERT_OK_AND_ASSIGN(const ModelInfo before, registry().Find("shoes@champion"));

  Reopen();

  EXPECT_THAT(Names(), ElementsAre("shoes/1", "shoes/2"));
  ASSERT_OK_AND_ASSIGN(const ModelInfo after, registry().Find("shoes@champion"));
  EXPECT_EQ(after.path, before.path);
  EXPECT_EQ(after.embedding_space_id, before.embedding_space_id);
  EXPECT_EQ(after.dimension, before.dimension);
  EXPECT_EQ(after.aliases, before.aliases);
  EXPECT_EQ(after.create_time, before.create_time);
  EXPECT_EQ(after.register_time, before.register_time);
}

TEST_F(ModelRegistryTest, WhatCannotBeWrittenIsNotRegistered) {
  Write("shoes/1");
  ASSERT_OK(CreateDirectories(register_path()));

  EXPECT_FALSE(registry().Register("shoes/1").ok());

  EXPECT_THAT(Names(), IsEmpty());
  ASSERT_OK(RemoveAll(register_path()));
  ASSERT_OK_AND_ASSIGN(const Registration registration, registry().Register("shoes/1"));
  EXPECT_TRUE(registration.created);
}

TEST_F(ModelRegistryTest, ThreadsThatRegisterAtOnceGetAModelOnce) {
  constexpr int kDirectories = 4;
  for (int i = 0; i < kDirectories; ++i) {
    Write(absl::StrCat("new", i), static_cast<float>(i));
  }

  std::vector<std::thread> threads;
  for (int i = 0; i < 2 * kDirectories; ++i) {
    threads.emplace_back([this, i] { EXPECT_OK(registry().Register(absl::StrCat("new", i % kDirectories))); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_THAT(Names(), ElementsAre("shoes/1", "shoes/2", "shoes/3", "shoes/4"));
  ASSERT_OK_AND_ASSIGN(const std::vector<ModelInfo> models, registry().List());
  std::vector<std::string> paths;
  for (const ModelInfo& model : models) {
    paths.push_back(model.path);
  }
  EXPECT_THAT(paths, UnorderedElementsAre("new0", "new1", "new2", "new3"));
}

TEST_F(ModelRegistryTest, BundlesAreReachedByAbsolutePathsAndLinksWithinTheRoot) {
  Write("shoes/3");
  Link("latest", "shoes/3");
  ASSERT_OK_AND_ASSIGN(const Registration by_link, registry().Register("latest"));
  EXPECT_EQ(by_link.model.path, "shoes/3");
  ASSERT_OK_AND_ASSIGN(const Registration absolute, registry().Register(Join("shoes/3")));
  EXPECT_FALSE(absolute.created);
}

TEST_F(ModelRegistryTest, ARootThatIsReachedByALinkIsTheSameRoot) {
  Write("shoes/3");
  std::filesystem::create_symlink(root(), data_dir() + "/link");
  ASSERT_OK_AND_ASSIGN(const auto linked, ModelRegistry::Open(data_dir(), data_dir() + "/link"));
  EXPECT_EQ(linked->root(), std::filesystem::canonical(root()).string());
  ASSERT_OK_AND_ASSIGN(const Registration registration, linked->Register(data_dir() + "/link/shoes/3"));
  EXPECT_EQ(registration.model.path, "shoes/3");
}

TEST_F(ModelRegistryTest, ARootThatIsNotThereIsNotFound) {
  EXPECT_THAT(ModelRegistry::Open(data_dir(), root() + "/nothing"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ModelRegistryTest, ADamagedRegisterIsDataLossWithItsPath) {
  Register("shoes/1", 1);
  Register("shoes/2", 2);
  ASSERT_OK(registry().SetAlias("champion", "shoes/2"));
  ASSERT_OK_AND_ASSIGN(const std::string whole, ReadFile(register_path()));
  std::vector<std::string> damaged = {"", "[]", "{}"};
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"format_version\": 1", "\"format_version\": 2"},
                                                        {"\"version\": 2", "\"version\": 3"},
                                                        {"\"version\": 1", "\"version\": 2"},
                                                        {"\"version\": 1", "\"version\": 0"},
                                                        {"\"path\": \"shoes/1\"", "\"path\": \"../shoes\""},
                                                        {"\"path\": \"shoes/1\"", "\"path\": \"/shoes\""},
                                                        {"\"path\": \"shoes/1\"", "\"path\": \"shoes/2\""},
                                                        {"\"champion\"", "\"best\""},
                                                        {"\"aliases\"", "\"nicknames\""},
                                                        {"\"shoes\"", "\"Shoes\""}}) {
    ASSERT_THAT(whole, HasSubstr(from));
    damaged.push_back(whole);
    // Only the first occurrence is replaced: the models come before aliases and counters.
    damaged.back().replace(whole.find(from), from.size(), to);
  }
  for (const std::string& content : damaged) {
    ASSERT_OK(WriteFileAtomically(register_path(), content));
    EXPECT_THAT(ModelRegistry::Open(data_dir(), root()), AllOf(StatusIs(absl::StatusCode::kDataLoss), HasReason("MANIFEST_INVALID"),
                                                               StatusMessage(HasSubstr("models.json"))))
        << content;
  }
}

}  // namespace
}  // namespace semblance::service
