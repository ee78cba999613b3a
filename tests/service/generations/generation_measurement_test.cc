#include "service/generations/generation_measurement.h"

#include <stop_token>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/service/generations/generation_items_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::IsEmpty;

class GenerationMeasurementTest : public GenerationItemsFixture {
 protected:
  absl::StatusOr<service::GenerationEvaluation> Measure(const std::string& id, const std::stop_token& stop = {}) {
    const auto active = engine().live().active();
    return service::MeasureGeneration(engine(), active->manifest().id() == id ? active : engine().live().Find(id), stop);
  }

  // Gives a second picture the label of the first, so that labels can be measured.
  void ShareLabels() {
    std::vector<catalog::ItemWrite> items;
    for (uint32_t i = 0; i < 20; ++i) {
      items.push_back(ItemOf(absl::StrCat(i), i));
      items.back().label = absl::StrCat(i / 2);
    }
    ASSERT_OK(Upsert(std::move(items)));
  }
};

TEST_F(GenerationMeasurementTest, CountsTheItemsAtTheSequenceOfTheCatalog) {
  StartWithItems();
  const std::string id = BuildReady("other");
  Put("more", 500);
  const auto evaluation = Measure(id);
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->item_count, 21);
  EXPECT_EQ(evaluation->expected_item_count, 21);
  EXPECT_EQ(evaluation->sequence, engine().last_sequence());
  EXPECT_THAT(evaluation->failures, IsEmpty());
}

TEST_F(GenerationMeasurementTest, ComparesWithTheActiveGenerationOnTheSameItems) {
  StartWithItems();
  ShareLabels();
  const auto evaluation = Measure(BuildReady("other"));
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->label_query_count, 20);
  EXPECT_TRUE(evaluation->label_recall.has_value());
  EXPECT_TRUE(evaluation->active_label_recall.has_value());
}

TEST_F(GenerationMeasurementTest, TheActiveGenerationIsComparedWithNothing) {
  StartWithItems();
  ShareLabels();
  const auto evaluation = Measure("gen-000001");
  ASSERT_OK(evaluation);
  EXPECT_TRUE(evaluation->label_recall.has_value());
  EXPECT_FALSE(evaluation->active_label_recall.has_value());
  EXPECT_EQ(evaluation->item_count, 20);
}

TEST_F(GenerationMeasurementTest, EndsWhenItIsStopped) {
  StartWithItems();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Measure("gen-000001", stop.get_token()).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace semblance::testing
