#include "embedder/image/decode_watch.h"

#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

TEST(DecodeWatchTest, AsksAtOnceAndThenOncePerMillionPixels) {
  int questions = 0;
  const DecodeCheck check = [&questions] {
    ++questions;
    return absl::OkStatus();
  };
  DecodeWatch watch(check);
  EXPECT_OK(watch.OnPixels(1));
  EXPECT_EQ(questions, 1);
  for (int i = 0; i < 3000; ++i) {
    EXPECT_OK(watch.OnPixels(1000));
  }
  EXPECT_EQ(questions, 4);
}

TEST(DecodeWatchTest, GivesTheAnswerBack) {
  const DecodeCheck check = [] { return absl::CancelledError("enough"); };
  DecodeWatch watch(check);
  EXPECT_THAT(watch.OnPixels(1), testing::StatusIs(absl::StatusCode::kCancelled));
}

TEST(DecodeWatchTest, GoesOnWithoutACheck) {
  const DecodeCheck none;
  DecodeWatch watch(none);
  EXPECT_OK(watch.OnPixels(int64_t{1} << 40));
}

}  // namespace
}  // namespace semblance::embedder
