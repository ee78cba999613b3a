#include "service/engine/embed_path.h"

#include <future>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

class EmbedPathTest : public ::testing::Test, public EngineFixture {};

TEST_F(EmbedPathTest, ReturnsAVectorForEachImageInTheirOrder) {
  ASSERT_OK(Start("model"));
  const std::string images[] = {PictureOf(1), PictureOf(2), PictureOf(1)};
  const auto answer = Embed({images[0], images[1], images[2]});
  ASSERT_OK(answer);
  ASSERT_EQ(answer->vectors.size(), 3u);
  EXPECT_EQ(answer->vectors[0], VectorOf(1));
  EXPECT_EQ(answer->vectors[1], VectorOf(2));
  EXPECT_EQ(answer->vectors[2], VectorOf(1));
  EXPECT_EQ(answer->provenance.generation, "gen-000001");
}

TEST_F(EmbedPathTest, NamesTheFirstBadImage) {
  ASSERT_OK(Start("model"));
  const std::string good = PictureOf(1);
  const auto answer = Embed({good, "no image", "nor this"});
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(answer, HasField("images[1]"));
}

TEST_F(EmbedPathTest, RefusesNoImagesAndTooMany) {
  config().mutable_limits()->set_max_embed_images(2);
  ASSERT_OK(Start("model"));
  const std::string image = PictureOf(1);
  EXPECT_THAT(Embed({}), HasReason("LIMIT_EXCEEDED"));
  EXPECT_OK(Embed({image, image}));
  EXPECT_THAT(Embed({image, image, image}), HasReason("LIMIT_EXCEEDED"));
}

TEST_F(EmbedPathTest, ReturnsTheErrorOfTheNetwork) {
  ASSERT_OK(Start("model"));
  embedder().FailWith(absl::InternalError("the network is broken"));
  const std::string image = PictureOf(1);
  EXPECT_THAT(Embed({image}), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(EmbedPathTest, NamesTheImageThatTheModelCannotEmbed) {
  ASSERT_OK(Start("model"));
  FailOnPicture(2);
  const std::string images[] = {PictureOf(1), PictureOf(2)};
  const auto answer = Embed({images[0], images[1]});
  EXPECT_THAT(answer, HasReason("INVALID_VECTOR"));
  EXPECT_THAT(answer, HasField("images[1]"));
}

TEST_F(EmbedPathTest, RefusesWhatDoesNotFitTheQueueAndAnswersTheRest) {
  config().mutable_batching()->set_max_queued_images(1);
  config().set_worker_threads(1);  // So that requests reach the batcher in their order.
  ASSERT_OK(Start("model"));
  embedder().CloseGate();
  const std::string image = PictureOf(1);
  const auto embed = [&](std::promise<absl::StatusOr<service::EmbedAnswer>>& answer) {
    engine().EmbedImages({image}, Now(),
                         [&answer](absl::StatusOr<service::EmbedAnswer> result) { answer.set_value(std::move(result)); });
  };
  std::promise<absl::StatusOr<service::EmbedAnswer>> running, waiting, refused;
  embed(running);
  embedder().AwaitCallAtGate();
  embed(waiting);
  embed(refused);
  const auto result = refused.get_future().get();
  EXPECT_THAT(result, HasReason("QUEUE_FULL"));
  EXPECT_TRUE(RetryDelay(result.status()).has_value());
  embedder().OpenGate();
  EXPECT_OK(running.get_future().get());
  EXPECT_OK(waiting.get_future().get());
}

}  // namespace
}  // namespace semblance::testing
