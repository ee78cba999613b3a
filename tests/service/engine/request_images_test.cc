#include "service/engine/request_images.h"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"
#include "tests/testing/fake_clock.h"

namespace semblance::testing {
namespace {

using service::DecodeImages;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DecodeImagesTest : public ::testing::Test, public LiveFixture {
 protected:
  void SetUp() override {
    generation_ = Load(1);
    environment_.clock = &clock_;
    environment_.decode_limits = {.max_bytes = 1 << 20, .max_pixels = 1 << 20, .max_side = 1 << 10};
  }

  FakeClock clock_;
  service::RequestEnvironment environment_;
  std::shared_ptr<service::Generation> generation_;
  service::CallContext context_;
  absl::Duration decode_time_ = absl::Seconds(1);
};

TEST_F(DecodeImagesTest, PreprocessesEveryImageForTheGeneration) {
  const std::string images[] = {PictureOf(1), PictureOf(2)};
  const auto decoded = DecodeImages(environment_, *generation_, {{images[0], "a"}, {images[1], "b"}}, context_, decode_time_);
  ASSERT_OK(decoded);
  ASSERT_EQ(decoded->size(), 2u);
  EXPECT_EQ(embedder().VectorOf((*decoded)[1]), embedder().VectorOf(NoiseImage(8, 8, 1, 2)));
  EXPECT_EQ(decode_time_, absl::Seconds(1)) << "the time of a clock that stands still is added";
}

TEST_F(DecodeImagesTest, NamesTheFirstBadImageAsTheClientDoes) {
  const std::string good = PictureOf(1);
  const auto decoded =
      DecodeImages(environment_, *generation_, {{good, "items[0].image"}, {"", "items[1].image"}, {"", "items[2].image"}}, context_,
                   decode_time_);
  EXPECT_THAT(decoded, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(decoded, HasField("items[1].image"));
}

TEST_F(DecodeImagesTest, RefusesImagesOverTheLimits) {
  environment_.decode_limits.max_bytes = 10;
  const std::string image = PictureOf(1);
  EXPECT_THAT(DecodeImages(environment_, *generation_, {{image, "query.image"}}, context_, decode_time_), HasField("query.image"));
}

TEST_F(DecodeImagesTest, StopsWhenTheClientGoesOrTheDeadlinePasses) {
  const std::string image = PictureOf(1);
  std::stop_source client;
  context_.cancelled = client.get_token();
  context_.deadline = clock_.Now() + absl::Seconds(1);
  EXPECT_OK(DecodeImages(environment_, *generation_, {{image, "a"}}, context_, decode_time_));
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(DecodeImages(environment_, *generation_, {{image, "a"}}, context_, decode_time_),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  client.request_stop();
  EXPECT_THAT(DecodeImages(environment_, *generation_, {{image, "a"}}, context_, decode_time_),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST(SetQueryVectorsTest, GivesEachVectorToTheQueryThatItsImageCameFrom) {
  service::GenerationSearch search;
  search.queries.resize(4);
  service::SetQueryVectors(std::vector<float>{1, 2, 3, 4}, 2, {3, 1}, search);
  EXPECT_THAT(search.queries[0].vector, IsEmpty());
  EXPECT_THAT(search.queries[1].vector, ElementsAre(3, 4));
  EXPECT_THAT(search.queries[2].vector, IsEmpty());
  EXPECT_THAT(search.queries[3].vector, ElementsAre(1, 2));
}

}  // namespace
}  // namespace semblance::testing
