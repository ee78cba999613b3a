#include "service/engine/generation_store.h"

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

class GenerationStoreTest : public ::testing::Test, public EngineFixture {
 protected:
  GenerationStore Open() {
    auto store = GenerationStore::Open(data_.path());
    EXPECT_OK(store);
    return *std::move(store);
  }

  const TempDir data_;
};

TEST_F(GenerationStoreTest, NumbersGenerationsAndKeepsTheBundleWithThem) {
  GenerationStore store = Open();
  ASSERT_OK_AND_ASSIGN(const auto first, store.Create(ModelDir("model")));
  ASSERT_OK_AND_ASSIGN(const auto second, store.Create(ModelDir("model")));
  EXPECT_EQ(first.id(), "gen-000001");
  EXPECT_EQ(second.id(), "gen-000002");
  EXPECT_EQ(first.dimension(), kDimension);
  ASSERT_OK_AND_ASSIGN(const Bundle bundle, ReadBundle(store.BundleDir("gen-000001")));
  EXPECT_EQ(bundle.manifest.embedding_space_id(), first.embedding_space_id());
}

TEST_F(GenerationStoreTest, FindsTheNewestOfASpace) {
  GenerationStore store = Open();
  WriteModel("other", 2);
  ASSERT_OK_AND_ASSIGN(const auto first, store.Create(ModelDir("model")));
  ASSERT_OK_AND_ASSIGN(const auto other, store.Create(ModelDir("other")));
  ASSERT_OK_AND_ASSIGN(const auto newest, store.Create(ModelDir("model")));
  ASSERT_OK_AND_ASSIGN(const auto found, store.FindBySpace(first.embedding_space_id()));
  EXPECT_EQ(found->id(), newest.id());
  ASSERT_OK_AND_ASSIGN(const auto none, store.FindBySpace("sha256:none"));
  EXPECT_FALSE(none.has_value());
}

TEST_F(GenerationStoreTest, RemembersTheActiveOne) {
  GenerationStore store = Open();
  ASSERT_OK_AND_ASSIGN(const auto none, store.ReadActive());
  EXPECT_FALSE(none.has_value());
  ASSERT_OK(store.Create(ModelDir("model")));
  ASSERT_OK(store.WriteActive("gen-000001"));
  ASSERT_OK_AND_ASSIGN(const auto active, Open().ReadActive());
  EXPECT_EQ(active->id(), "gen-000001");
}

TEST_F(GenerationStoreTest, RemovesWhatAnInterruptedCreateLeftBehind) {
  ASSERT_OK(Open().Create(ModelDir("model")));
  ASSERT_OK(CreateDirectories(data_.Join("generations/gen-000002/bundle")));
  GenerationStore store = Open();
  EXPECT_FALSE(PathExists(data_.Join("generations/gen-000002")));
  ASSERT_OK_AND_ASSIGN(const auto generations, store.List());
  EXPECT_EQ(generations.size(), 1u);
}

TEST_F(GenerationStoreTest, SaysWhichFileIsBroken) {
  GenerationStore store = Open();
  ASSERT_OK(store.Create(ModelDir("model")));
  ASSERT_OK(store.WriteActive("gen-000001"));
  ASSERT_OK(WriteFileAtomically(data_.Join("active.json"), "{\"format_version\": 2, \"generation\": \"gen-000001\"}"));
  EXPECT_THAT(store.ReadActive(), HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(store.ReadActive(), StatusMessage(::testing::HasSubstr("format_version is 2")));
  ASSERT_OK(WriteFileAtomically(data_.Join("active.json"), "{\"format_version\": 1, \"generation\": \"../../etc\"}"));
  EXPECT_FALSE(store.ReadActive().ok());
  ASSERT_OK(WriteFileAtomically(data_.Join("generations/gen-000001/manifest.json"), "not json"));
  EXPECT_THAT(store.List(), StatusMessage(::testing::HasSubstr("gen-000001/manifest.json")));
}

}  // namespace
}  // namespace semblance::testing
