// Makes random writes, deletes and restarts, and compares every answer with a std::map and brute force.
#include <algorithm>
#include <map>
#include <random>

#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

constexpr int kSteps = 600;
constexpr uint32_t kPictures = 40;
constexpr int kIds = 30;

float Dot(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

class EngineModelTest : public ::testing::TestWithParam<uint32_t>, public EngineFixture {
 protected:
  void ExpectAgreement(const std::map<std::string, uint32_t>& model, uint32_t picture) {
    const std::string image = PictureOf(picture);
    const auto answer = Search(InputOf(service::ImageQuery{.bytes = image}, 5));
    ASSERT_OK(answer);
    std::vector<float> scores;
    for (const auto& [id, held] : model) {
      scores.push_back(Dot(VectorOf(held), VectorOf(picture)));
    }
    std::sort(scores.rbegin(), scores.rend());
    const auto& found = answer->results.front();
    ASSERT_EQ(found.size(), std::min<size_t>(5, model.size()));
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_TRUE(model.contains(found[i].item->id));
      EXPECT_NEAR(found[i].score, scores[i], 1e-5);
      EXPECT_NEAR(found[i].score, Dot(VectorOf(model.at(found[i].item->id)), VectorOf(picture)), 1e-5);
    }
  }
};

TEST_P(EngineModelTest, AgreesWithAMap) {
  std::mt19937 random(GetParam());
  std::map<std::string, uint32_t> model;
  ASSERT_OK(Start("model"));
  for (int step = 0; step < kSteps; ++step) {
    const uint32_t action = random() % 100;
    const std::string id = absl::StrCat("item", random() % kIds);
    if (action < 45) {
      const std::string other = absl::StrCat("item", kIds + random() % kIds);
      const uint32_t pictures[2] = {static_cast<uint32_t>(random() % kPictures), static_cast<uint32_t>(random() % kPictures)};
      ASSERT_OK(Upsert({ItemOf(id, pictures[0]), ItemOf(other, pictures[1])}));
      model[id] = pictures[0];
      model[other] = pictures[1];
    } else if (action < 65) {
      const auto deleted = Delete({id});
      ASSERT_OK(deleted);
      EXPECT_EQ(deleted->deleted_count, static_cast<int64_t>(model.erase(id)));
    } else if (action < 98) {
      ExpectAgreement(model, static_cast<uint32_t>(random() % kPictures));
    } else {
      ASSERT_OK(Start(""));
      EXPECT_EQ(engine().status().generation->embedded_at_load_count(), 0);
    }
    ASSERT_EQ(engine().item_count(), static_cast<int64_t>(model.size()));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineModelTest, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace semblance::testing
