#include "service/live/generation.h"

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"

namespace semblance::testing {
namespace {

using service::Generation;
using ::testing::IsEmpty;

class GenerationTest : public ::testing::Test, public LiveFixture {
 protected:
  void SetUp() override { generation_ = Load(1); }

  std::vector<float> VectorOf(uint32_t picture) { return embedder().VectorOf(NoiseImage(8, 8, 1, picture)); }

  // Writes an item to the catalog and applies it.
  uint64_t Write(const std::string& id, uint32_t picture) {
    const catalog::WriteResult write = Upsert({ItemOf(id, picture)});
    EXPECT_OK(generation_->ApplyUpsert(write, VectorOf(picture)));
    return write.last_sequence;
  }

  std::shared_ptr<Generation> generation_;
};

TEST_F(GenerationTest, SaysWhereItsAnswersComeFrom) {
  const service::Provenance provenance = generation_->ProvenanceAt(7);
  EXPECT_EQ(provenance.generation, "gen-000001");
  EXPECT_EQ(provenance.embedding_space_id, generation_->embedder().manifest().embedding_space_id());
  EXPECT_EQ(provenance.applied_sequence, 7u);
}

TEST_F(GenerationTest, TheQueryOfAVectorHasUnitLength) {
  const std::string space = generation_->manifest().embedding_space_id();
  for (const float scale : {1e-30F, 1.0F, 1e30F}) {
    std::vector<float> values(kDimension, 0);
    values[0] = 3 * scale;
    values[1] = 4 * scale;
    const auto query = generation_->QueryOfVector({.values = values, .embedding_space_id = space});
    ASSERT_OK(query);
    EXPECT_NEAR(query->vector[0], 0.6, 1e-6) << scale;
    EXPECT_NEAR(query->vector[1], 0.8, 1e-6) << scale;
  }
}

TEST_F(GenerationTest, RefusesVectorsOfAnotherSpaceOrDimension) {
  const std::string space = generation_->manifest().embedding_space_id();
  const auto other_space = generation_->QueryOfVector({.values = std::vector<float>(kDimension, 1), .embedding_space_id = "other"});
  EXPECT_THAT(other_space, HasReason("EMBEDDING_SPACE_MISMATCH"));
  EXPECT_THAT(other_space, HasField("embedding.embedding_space_id"));
  const auto short_vector = generation_->QueryOfVector({.values = {1, 2}, .embedding_space_id = space});
  EXPECT_THAT(short_vector, HasReason("DIMENSION_MISMATCH"));
  EXPECT_THAT(short_vector, HasField("embedding.values"));
}

TEST_F(GenerationTest, AReplacedItemHasOneRowAndADeletedOneNone) {
  Write("a", 1);
  Write("b", 2);
  Write("a", 3);
  ExpectHas(*generation_, {{"a", 3}, {"b", 2}});
  ASSERT_OK(generation_->ApplyDelete(Delete({"b"})));
  ExpectHas(*generation_, {{"a", 3}});
  EXPECT_EQ(generation_->index().applied_sequence(), catalog().last_sequence());
}

TEST_F(GenerationTest, ADeleteOfNothingChangesNothing) {
  Write("a", 1);
  ASSERT_OK(generation_->ApplyDelete(Delete({"b"})));
  ExpectHas(*generation_, {{"a", 1}});
  EXPECT_EQ(generation_->index().applied_sequence(), 1u);
}

// Returns the changes of the log after `sequence`.
std::vector<catalog::Change> ChangesAfter(catalog::Catalog& catalog, uint64_t sequence) {
  const auto changes = catalog.ReadChanges(sequence, 100);
  EXPECT_OK(changes);
  return changes.value_or(std::vector<catalog::Change>());
}

TEST_F(GenerationTest, AFailedStepChangesNothingAndMayBeTriedAgain) {
  Write("a", 1);
  const catalog::WriteResult write = Upsert({ItemOf("a", 2), ItemOf("b", 3)});
  std::vector<float> vectors = VectorOf(2);
  vectors.insert(vectors.end(), {NAN, 0, 0, 0, 0, 0});
  EXPECT_THAT(generation_->ApplyUpsert(write, vectors), StatusIs(absl::StatusCode::kInvalidArgument));
  ExpectHas(*generation_, {{"a", 1}});
  EXPECT_EQ(generation_->index().applied_sequence(), 1u);
  vectors.resize(kDimension);
  const std::vector<float> second = VectorOf(3);
  vectors.insert(vectors.end(), second.begin(), second.end());
  ASSERT_OK(generation_->ApplyUpsert(write, vectors));
  ExpectHas(*generation_, {{"a", 2}, {"b", 3}});
}

TEST_F(GenerationTest, AppliesTheLogAsOneStep) {
  Write("a", 1);
  Write("b", 2);
  Upsert({ItemOf("a", 3), ItemOf("c", 4)});
  Delete({"b"});
  const std::vector<catalog::Change> log = ChangesAfter(catalog(), 2);
  std::vector<const catalog::Change*> changes;
  for (const catalog::Change& change : log) {
    changes.push_back(&change);
  }
  ASSERT_OK(generation_->ApplyLog(changes, {{3, VectorOf(3)}, {4, VectorOf(4)}}, 5));
  ExpectHas(*generation_, {{"a", 3}, {"c", 4}});
  EXPECT_EQ(generation_->index().applied_sequence(), 5u);
}

TEST_F(GenerationTest, LeavesAnItemWithoutAVectorAsItWas) {
  Write("a", 1);
  Upsert({ItemOf("a", 3)});
  const std::vector<catalog::Change> log = ChangesAfter(catalog(), 1);
  ASSERT_OK(generation_->ApplyLog({&log[0]}, {}, 2));
  ExpectHas(*generation_, {{"a", 1}});
  EXPECT_EQ(generation_->index().applied_sequence(), 2u);
}

TEST_F(GenerationTest, ARecordHasWhatASearchReturns) {
  catalog::CatalogItem item;
  item.sequence = 7;
  item.id = "a";
  item.label = "shoe";
  item.attributes["price"] = 1.5;
  item.image_sha256 = std::string(64, 'a');
  const auto record = service::RecordOf(item);
  EXPECT_EQ(record->sequence, 7u);
  EXPECT_EQ(record->id, "a");
  EXPECT_EQ(record->label, "shoe");
  EXPECT_EQ(record->attributes, item.attributes);
  EXPECT_NE(record->image_key, 0u);
}

TEST_F(GenerationTest, HasNoItemsAtFirst) {
  EXPECT_THAT(generation_->Records(), IsEmpty());
  EXPECT_EQ(generation_->items().size(), 0u);
}

}  // namespace
}  // namespace semblance::testing
