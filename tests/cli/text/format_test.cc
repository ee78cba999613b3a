#include "cli/text/format.h"

#include "gtest/gtest.h"

namespace semblance::cli {
namespace {

google::protobuf::Duration Seconds(int64_t seconds, int32_t nanos = 0) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return duration;
}

TEST(FormatTest, TimesAreInUtc) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(1'700'000'000);
  EXPECT_EQ(FormatTimestamp(timestamp), "2023-11-14T22:13:20+00:00");
}

TEST(FormatTest, DurationsHaveTheUnitThatFits) {
  EXPECT_EQ(FormatDuration(Seconds(0, 3'200'000)), "3.2 ms");
  EXPECT_EQ(FormatDuration(Seconds(4, 240'000'000)), "4.2s");
  EXPECT_EQ(FormatDuration(Seconds(65)), "1m 05s");
}

TEST(FormatTest, BytesHaveTheUnitThatFits) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes(int64_t{5} << 30), "5.0 GiB");
  EXPECT_EQ(FormatBytes(int64_t{3} << 50), "3072.0 TiB");
}

TEST(FormatTest, EnumsLoseTheirPrefix) {
  EXPECT_EQ(FormatEnum("GENERATION_STATE_CATCHING_UP", "GENERATION_STATE_"), "catching_up");
}

}  // namespace
}  // namespace semblance::cli
