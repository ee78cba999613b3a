#include "service/models/model_records.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::storage::v1::ModelRecord;
using ::semblance::storage::v1::ModelRegister;
using ::semblance::testing::HasReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelRecord RecordOf(const std::string& name, int version) {
  ModelRecord record;
  record.set_name(name);
  record.set_version(version);
  record.set_path(FullModelName(name, version));
  return record;
}

// Holds shoes/1, shoes/10, shoes/2 and hats/1. The alias "champion" of shoes is version 2.
ModelRegister Filled() {
  ModelRegister models;
  models.set_format_version(kModelRegisterVersion);
  for (const int version : {1, 10, 2}) {
    AddModel(models, RecordOf("shoes", version));
  }
  AddModel(models, RecordOf("hats", 1));
  SetModelAlias(models, RecordOf("shoes", 2), "champion");
  return models;
}

std::vector<std::string> Names(const ModelRegister& models) {
  std::vector<std::string> names;
  for (const ModelRecord& record : models.models()) {
    names.push_back(FullModelName(record.name(), record.version()));
  }
  return names;
}

TEST(ModelRecordsTest, ModelsAreSortedByNameAndByVersionAsANumber) {
  EXPECT_THAT(Names(Filled()), ElementsAre("hats/1", "shoes/1", "shoes/2", "shoes/10"));
}

TEST(ModelRecordsTest, AModelIsFoundByVersionByAliasAndAsTheGreatest) {
  const ModelRegister models = Filled();
  EXPECT_EQ(FindModel(models, "shoes/1").value()->version(), 1);
  EXPECT_EQ(FindModel(models, "shoes@champion").value()->version(), 2);
  EXPECT_EQ(FindModel(models, "shoes").value()->version(), 10);
  for (const char* missing : {"shoes/3", "shoes@candidate", "hats@champion", "gloves"}) {
    EXPECT_THAT(FindModel(models, missing).status(), HasReason("MODEL_NOT_FOUND")) << missing;
  }
  EXPECT_THAT(FindModel(models, "shoes/x").status(), HasReason("INVALID_MODEL_NAME"));
  EXPECT_EQ(FindByPath(models, "hats/1")->name(), "hats");
  EXPECT_EQ(FindByPath(models, "hats"), nullptr);
}

TEST(ModelRecordsTest, ARemovedVersionStillCountsAsTheLast) {
  ModelRegister models = Filled();
  RemoveModel(models, "shoes/10");
  RemoveModel(models, "not/there");
  EXPECT_THAT(Names(models), ElementsAre("hats/1", "shoes/1", "shoes/2"));
  EXPECT_EQ(LastVersionOf(models, "shoes"), 10);
  EXPECT_EQ(LastVersionOf(models, "gloves"), 0);
}

TEST(ModelRecordsTest, AnAliasMovesAndIsShownAtItsModel) {
  ModelRegister models = Filled();
  SetModelAlias(models, RecordOf("shoes", 2), "candidate");
  EXPECT_THAT(InfoOf(models, RecordOf("shoes", 2)).aliases, ElementsAre("candidate", "champion"));
  SetModelAlias(models, RecordOf("shoes", 1), "champion");
  EXPECT_THAT(InfoOf(models, RecordOf("shoes", 2)).aliases, ElementsAre("candidate"));
  RemoveModelAlias(models, "shoes", "candidate");
  RemoveModelAlias(models, "shoes", "candidate");
  EXPECT_THAT(InfoOf(models, RecordOf("shoes", 2)).aliases, ElementsAre());
}

TEST(ModelRecordsTest, AnAddedDirectoryIsNoLongerIgnored) {
  ModelRegister models = Filled();
  models.add_ignored_paths("shoes/11");
  EXPECT_TRUE(IsIgnored(models, "shoes/11"));
  AddModel(models, RecordOf("shoes", 11));
  EXPECT_FALSE(IsIgnored(models, "shoes/11"));
}

TEST(ModelRecordsTest, TimesThatCannotBeReadAreMissing) {
  ModelRecord record = RecordOf("shoes", 1);
  record.set_create_time("yesterday");
  record.set_register_time("2026-01-31T00:00:00Z");
  const ModelInfo info = InfoOf(ModelRegister(), record);
  EXPECT_FALSE(info.create_time.has_value());
  EXPECT_EQ(info.register_time, absl::FromUnixSeconds(1769817600));
}

struct Damage {
  const char* name;
  std::function<void(ModelRegister&)> inflict;
  const char* fault;
};

class DamagedRegisterTest : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedRegisterTest, IsDescribed) {
  ModelRegister models = Filled();
  EXPECT_EQ(FaultOf(models), "");
  GetParam().inflict(models);
  EXPECT_THAT(FaultOf(models), HasSubstr(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedRegisterTest,
    ::testing::Values(Damage{"Version", [](ModelRegister& m) { m.set_format_version(9); }, "format_version is 9"},
                      Damage{"Name", [](ModelRegister& m) { m.mutable_models(0)->set_name("a/b"); }, "no valid name"},
                      Damage{"ModelVersion", [](ModelRegister& m) { m.mutable_models(0)->set_version(0); }, "no valid name"},
                      Damage{"AbsolutePath", [](ModelRegister& m) { m.mutable_models(0)->set_path("/etc"); }, "no valid name"},
                      Damage{"PathOut", [](ModelRegister& m) { m.mutable_models(0)->set_path("../x"); }, "no valid name"},
                      Damage{"TwoPaths", [](ModelRegister& m) { m.mutable_models(0)->set_path("shoes/1"); }, "is there twice"},
                      Damage{"TwoVersions", [](ModelRegister& m) { m.mutable_models(1)->set_version(2); }, "is there twice"},
                      Damage{"Alias", [](ModelRegister& m) { m.mutable_aliases(0)->set_alias("king"); }, "alias \"king\""},
                      Damage{"AliasOfNothing", [](ModelRegister& m) { m.mutable_aliases(0)->set_version(3); },
                             "alias \"champion\""}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace semblance::service
