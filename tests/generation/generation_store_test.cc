#include "generation/generation_store.h"

#include <string>

#include "common/file.h"
#include "embedder/bundle/bundle.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_bundle.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::semblance::storage::v1::BuildManifest;
using ::semblance::storage::v1::BuildProgress;
using ::semblance::storage::v1::GenerationManifest;
using ::semblance::storage::v1::GenerationRecord;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kDimension = 6;

GenerationRecord InPhase(GenerationRecord::Phase phase) {
  GenerationRecord record;
  record.set_phase(phase);
  return record;
}

class GenerationStoreTest : public ::testing::Test {
 protected:
  GenerationStoreTest() { WriteFakeBundle(ModelDir("model"), kDimension); }

  std::string ModelDir(const std::string& name) const { return models_.Join(name); }
  std::string FileOf(const std::string& name) const { return data_.Join("generations/gen-000001/" + name); }

  generation::GenerationStore Open() {
    auto store = generation::GenerationStore::Open(data_.path());
    EXPECT_OK(store);
    return *std::move(store);
  }

  absl::StatusOr<GenerationManifest> Create(GenerationRecord::Phase phase = GenerationRecord::PHASE_BUILDING,
                                            const std::string& model = "model") {
    return Open().Create(ModelDir(model), {}, InPhase(phase));
  }

  const TempDir models_;
  const TempDir data_;
};

TEST_F(GenerationStoreTest, NumbersGenerationsAndKeepsTheBundleWithThem) {
  ASSERT_OK_AND_ASSIGN(const auto first, Create());
  ASSERT_OK_AND_ASSIGN(const auto second, Create());
  EXPECT_EQ(first.id(), "gen-000001");
  EXPECT_EQ(second.id(), "gen-000002");
  EXPECT_EQ(first.dimension(), kDimension);
  EXPECT_EQ(first.model(), "fake");
  ASSERT_OK_AND_ASSIGN(const embedder::Bundle bundle, embedder::ReadBundle(Open().BundleDir("gen-000001")));
  EXPECT_EQ(bundle.manifest.embedding_space_id(), first.embedding_space_id());
}

TEST_F(GenerationStoreTest, KeepsWhatTheCreatorSays) {
  GenerationManifest wish;
  wish.set_model_version(7);
  wish.set_index_factory("HNSW16");
  wish.set_request_id("request");
  wish.mutable_gates()->set_min_index_recall(0.9);
  wish.set_policy(storage::v1::GenerationManifest::POLICY_ALWAYS);
  ASSERT_OK(Open().Create(ModelDir("model"), wish, InPhase(GenerationRecord::PHASE_BUILDING)));
  ASSERT_OK_AND_ASSIGN(const auto kept, Open().ReadManifest("gen-000001"));
  EXPECT_EQ(kept.model_version(), 7);
  EXPECT_EQ(kept.index_factory(), "HNSW16");
  EXPECT_EQ(kept.request_id(), "request");
  EXPECT_EQ(kept.gates().min_index_recall(), 0.9);
  EXPECT_EQ(kept.policy(), storage::v1::GenerationManifest::POLICY_ALWAYS);
}

TEST_F(GenerationStoreTest, NeverGivesAnIdOutTwice) {
  ASSERT_OK(Create());
  ASSERT_OK(Create());
  ASSERT_OK(Open().Remove("gen-000002"));
  ASSERT_OK(Open().Remove("gen-000001"));
  EXPECT_THAT(*Open().List(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto next, Create());
  EXPECT_EQ(next.id(), "gen-000003");
}

TEST_F(GenerationStoreTest, GoesOnFromTheGreatestIdWhereThereIsNoCounter) {
  ASSERT_OK(Create());
  ASSERT_OK(RemoveAll(data_.Join("generations/last.json")));
  ASSERT_OK_AND_ASSIGN(const auto next, Create());
  EXPECT_EQ(next.id(), "gen-000002");
}

TEST_F(GenerationStoreTest, LeavesNothingOfACreateThatFailed) {
  EXPECT_FALSE(Create(GenerationRecord::PHASE_BUILDING, "none").ok());
  EXPECT_FALSE(PathExists(data_.Join("generations/gen-000001")));
  ASSERT_OK_AND_ASSIGN(const auto next, Create());
  EXPECT_EQ(next.id(), "gen-000002");
}

TEST_F(GenerationStoreTest, FindsTheNewestReadyOneOfASpace) {
  WriteFakeBundle(ModelDir("other"), kDimension, 2);
  ASSERT_OK_AND_ASSIGN(const auto first, Create(GenerationRecord::PHASE_READY));
  ASSERT_OK(Create(GenerationRecord::PHASE_READY, "other"));
  ASSERT_OK_AND_ASSIGN(const auto newest, Create(GenerationRecord::PHASE_READY));
  ASSERT_OK(Create(GenerationRecord::PHASE_BUILDING));
  ASSERT_OK(Create(GenerationRecord::PHASE_FAILED));
  ASSERT_OK_AND_ASSIGN(const auto found, Open().FindBySpace(first.embedding_space_id()));
  EXPECT_EQ(found->id(), newest.id());
  ASSERT_OK_AND_ASSIGN(const auto none, Open().FindBySpace("sha256:none"));
  EXPECT_FALSE(none.has_value());
}

TEST_F(GenerationStoreTest, RemembersWhereAGenerationStands) {
  ASSERT_OK(Create());
  ASSERT_OK_AND_ASSIGN(GenerationRecord record, Open().ReadRecord("gen-000001"));
  EXPECT_EQ(record.phase(), GenerationRecord::PHASE_BUILDING);
  EXPECT_THAT(record.time(), ::testing::EndsWith("+00:00"));
  record.set_phase(GenerationRecord::PHASE_FAILED);
  record.set_reason("why");
  ASSERT_OK(Open().WriteRecord("gen-000001", record));
  ASSERT_OK_AND_ASSIGN(record, Open().ReadRecord("gen-000001"));
  EXPECT_EQ(record.phase(), GenerationRecord::PHASE_FAILED);
  EXPECT_EQ(record.reason(), "why");
}

TEST_F(GenerationStoreTest, TakesAGenerationOfAnOlderVersionForReady) {
  ASSERT_OK_AND_ASSIGN(const auto manifest, Create());
  ASSERT_OK(RemoveAll(FileOf("state.json")));
  ASSERT_OK_AND_ASSIGN(const GenerationRecord record, Open().ReadRecord("gen-000001"));
  EXPECT_EQ(record.phase(), GenerationRecord::PHASE_READY);
  EXPECT_EQ(record.time(), manifest.create_time());
}

TEST_F(GenerationStoreTest, RemembersTheActiveOneAndTheOneBefore) {
  generation::GenerationStore store = Open();
  ASSERT_OK_AND_ASSIGN(const auto none, store.ReadActive());
  EXPECT_FALSE(none.has_value());
  ASSERT_OK(store.WriteActive("gen-000001", ""));
  ASSERT_OK_AND_ASSIGN(auto active, Open().ReadActive());
  EXPECT_EQ(active->generation(), "gen-000001");
  EXPECT_EQ(active->previous(), "");
  ASSERT_OK(store.WriteActive("gen-000002", "gen-000001"));
  ASSERT_OK_AND_ASSIGN(active, Open().ReadActive());
  EXPECT_EQ(active->generation(), "gen-000002");
  EXPECT_EQ(active->previous(), "gen-000001");
}

TEST_F(GenerationStoreTest, RemovesWhatAnInterruptedCreateLeftBehind) {
  ASSERT_OK(Create());
  ASSERT_OK(CreateDirectories(data_.Join("generations/gen-000002/bundle")));
  generation::GenerationStore store = Open();
  EXPECT_FALSE(PathExists(data_.Join("generations/gen-000002")));
  ASSERT_OK_AND_ASSIGN(const auto generations, store.List());
  EXPECT_THAT(generations, SizeIs(1));
}

TEST_F(GenerationStoreTest, FinishesAnInterruptedRemove) {
  ASSERT_OK(Create());
  ASSERT_OK(RemoveAll(FileOf("manifest.json")));
  EXPECT_THAT(*generation::GenerationStore::OpenForBuilder(data_.path()).List(), IsEmpty());
  EXPECT_TRUE(PathExists(FileOf("bundle")));
  Open();
  EXPECT_FALSE(PathExists(data_.Join("generations/gen-000001")));
}

TEST_F(GenerationStoreTest, RemovesTheSameGenerationTwice) {
  ASSERT_OK(Create());
  EXPECT_OK(Open().Remove("gen-000001"));
  EXPECT_FALSE(PathExists(data_.Join("generations/gen-000001")));
  EXPECT_OK(Open().Remove("gen-000001"));
}

TEST_F(GenerationStoreTest, RemovesABuildAndKeepsTheRest) {
  ASSERT_OK(Create());
  generation::GenerationStore store = Open();
  ASSERT_OK(CreateDirectories(store.IndexDir("gen-000001")));
  ASSERT_OK(store.WriteBuild("gen-000001", {}));
  ASSERT_OK(store.WriteProgress("gen-000001", {}));
  ASSERT_OK(WriteFileAtomically(store.BuilderLogPath("gen-000001"), "log"));
  ASSERT_OK(store.RemoveBuild("gen-000001"));
  EXPECT_FALSE(PathExists(store.IndexDir("gen-000001")));
  EXPECT_FALSE(PathExists(FileOf("build.json")));
  EXPECT_FALSE(PathExists(FileOf("progress.json")));
  EXPECT_TRUE(PathExists(store.BuilderLogPath("gen-000001")));
  EXPECT_OK(embedder::ReadBundle(store.BundleDir("gen-000001")));
}

TEST_F(GenerationStoreTest, HandsOnWhatABuilderSays) {
  ASSERT_OK(Create());
  const generation::GenerationStore builder = generation::GenerationStore::OpenForBuilder(data_.path());
  ASSERT_OK_AND_ASSIGN(const auto no_build, Open().ReadBuild("gen-000001"));
  EXPECT_FALSE(no_build.has_value());
  ASSERT_OK_AND_ASSIGN(BuildProgress progress, Open().ReadProgress("gen-000001"));
  EXPECT_EQ(progress.step(), BuildProgress::STEP_UNSPECIFIED);

  progress.set_step(BuildProgress::STEP_EMBEDDING);
  progress.set_done(3);
  ASSERT_OK(builder.WriteProgress("gen-000001", progress));
  progress.set_done(4);
  ASSERT_OK(builder.WriteProgress("gen-000001", progress));
  ASSERT_OK_AND_ASSIGN(progress, Open().ReadProgress("gen-000001"));
  EXPECT_EQ(progress.done(), 4);

  BuildManifest build;
  build.set_row_count(5);
  build.set_sequence(uint64_t{1} << 60);
  ASSERT_OK(builder.WriteBuild("gen-000001", build));
  ASSERT_OK_AND_ASSIGN(const auto written, Open().ReadBuild("gen-000001"));
  EXPECT_EQ(written->row_count(), 5);
  EXPECT_EQ(written->sequence(), uint64_t{1} << 60);
}

TEST_F(GenerationStoreTest, TakesProgressThatAPowerCutDamagedForNone) {
  ASSERT_OK(Create());
  ASSERT_OK(WriteFileAtomically(FileOf("progress.json"), ""));
  ASSERT_OK_AND_ASSIGN(const BuildProgress progress, Open().ReadProgress("gen-000001"));
  EXPECT_EQ(progress.step(), BuildProgress::STEP_UNSPECIFIED);
}

TEST_F(GenerationStoreTest, AsksABuilderToStop) {
  ASSERT_OK(Create());
  EXPECT_FALSE(Open().CancelRequested("gen-000001"));
  ASSERT_OK(Open().RequestCancel("gen-000001"));
  EXPECT_TRUE(generation::GenerationStore::OpenForBuilder(data_.path()).CancelRequested("gen-000001"));
}

TEST_F(GenerationStoreTest, TakesNoPathForAnId) {
  ASSERT_OK(Create());
  ASSERT_OK(WriteFileAtomically(data_.Join("precious"), "data"));
  generation::GenerationStore store = Open();
  for (const std::string id : {"", "..", "../precious", "gen-1", "gen-000001/bundle", "gen-+00001", "gen-000002"}) {
    EXPECT_THAT(store.ReadManifest(id), HasReason("GENERATION_NOT_FOUND")) << id;
    EXPECT_THAT(store.ReadRecord(id), HasReason("GENERATION_NOT_FOUND")) << id;
    EXPECT_THAT(store.RequestCancel(id), HasReason("GENERATION_NOT_FOUND")) << id;
    EXPECT_THAT(store.RemoveBuild(id), HasReason("GENERATION_NOT_FOUND")) << id;
  }
  EXPECT_THAT(store.Remove("../precious"), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_THAT(store.WriteActive("../precious", ""), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_TRUE(PathExists(data_.Join("precious")));
}

TEST_F(GenerationStoreTest, SaysWhichFileIsBroken) {
  ASSERT_OK(Create());
  generation::GenerationStore store = Open();
  ASSERT_OK(WriteFileAtomically(data_.Join("active.json"), "{\"format_version\": 2, \"generation\": \"gen-000001\"}"));
  EXPECT_THAT(store.ReadActive(), HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(store.ReadActive(), StatusMessage(HasSubstr("format_version is 2")));
  for (const std::string active : {"{\"format_version\": 1, \"generation\": \"../../etc\"}", "{\"format_version\": 1}",
                                   "{\"format_version\": 1, \"generation\": \"gen-000001\", \"previous\": \"../etc\"}"}) {
    ASSERT_OK(WriteFileAtomically(data_.Join("active.json"), active));
    EXPECT_THAT(store.ReadActive(), HasReason("MANIFEST_INVALID")) << active;
  }
  ASSERT_OK(WriteFileAtomically(FileOf("state.json"), "{\"format_version\": 1}"));
  EXPECT_THAT(store.ReadRecord("gen-000001"), HasReason("MANIFEST_INVALID"));
  ASSERT_OK(WriteFileAtomically(FileOf("build.json"), "{"));
  EXPECT_THAT(store.ReadBuild("gen-000001"), StatusMessage(HasSubstr("gen-000001/build.json")));
  ASSERT_OK(WriteFileAtomically(FileOf("manifest.json"), "not json"));
  EXPECT_THAT(store.ReadManifest("gen-000001"), StatusMessage(HasSubstr("gen-000001/manifest.json")));
}

// Lists the ways in which a disk or a person may damage one of the two files.
TEST_F(GenerationStoreTest, ListsADamagedGenerationAsFailedBesideTheOthers) {
  ASSERT_OK_AND_ASSIGN(const auto first, Create(GenerationRecord::PHASE_READY));
  ASSERT_OK(Create(GenerationRecord::PHASE_READY));
  generation::GenerationStore store = Open();
  for (const std::string name : {"manifest.json", "state.json"}) {
    ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(FileOf(name)));
    std::string of_newer_version = before;
    of_newer_version.replace(of_newer_version.find(": 1,"), 4, ": 9,");
    for (const std::string& content :
         {std::string(), std::string("not json"), before.substr(0, before.size() / 2), std::string(before.size(), '\0'),
          std::string("{\"format_version\": 1}"), of_newer_version}) {
      ASSERT_OK(WriteFileAtomically(FileOf(name), content));
      ASSERT_OK_AND_ASSIGN(const auto generations, Open().List());
      ASSERT_THAT(generations, SizeIs(2));
      const generation::StoredGeneration& damaged = generations[0];
      EXPECT_EQ(damaged.manifest.id(), "gen-000001");
      EXPECT_EQ(damaged.manifest.model(), name == "state.json" ? "fake" : "");
      EXPECT_EQ(damaged.record.phase(), GenerationRecord::PHASE_FAILED);
      EXPECT_THAT(damaged.record.reason(), HasSubstr("gen-000001/" + name)) << content;
      EXPECT_THAT(damaged.damage, HasReason("MANIFEST_INVALID")) << content;
      EXPECT_OK(generations[1].damage);
      EXPECT_EQ(generations[1].record.phase(), GenerationRecord::PHASE_READY);
      // A damaged generation must not be chosen for its embedding space.
      ASSERT_OK_AND_ASSIGN(const auto found, store.FindBySpace(first.embedding_space_id()));
      EXPECT_EQ(found->id(), "gen-000002");
    }
    ASSERT_OK(WriteFileAtomically(FileOf(name), before));
  }
}

TEST_F(GenerationStoreTest, ListsAGenerationWhoseFilesCannotBeRead) {
  ASSERT_OK(Create());
  ASSERT_OK(RemoveAll(FileOf("manifest.json")));
  ASSERT_OK(CreateDirectories(FileOf("manifest.json")));
  ASSERT_OK_AND_ASSIGN(const auto generations, Open().List());
  ASSERT_THAT(generations, SizeIs(1));
  EXPECT_THAT(generations[0].record.reason(), HasSubstr("cannot read"));
  ASSERT_OK(Open().Remove("gen-000001"));
  EXPECT_THAT(*Open().List(), IsEmpty());
}

// Otherwise the damage would undo a deletion that was acknowledged.
TEST_F(GenerationStoreTest, ADamagedGenerationThatIsToGoStillIs) {
  ASSERT_OK(Create(GenerationRecord::PHASE_RETIRING));
  ASSERT_OK(WriteFileAtomically(FileOf("manifest.json"), "not json"));
  ASSERT_OK_AND_ASSIGN(const auto generations, Open().List());
  ASSERT_THAT(generations, SizeIs(1));
  EXPECT_EQ(generations[0].record.phase(), GenerationRecord::PHASE_RETIRING);
  EXPECT_THAT(generations[0].damage, HasReason("MANIFEST_INVALID"));
}

}  // namespace
}  // namespace semblance::testing
