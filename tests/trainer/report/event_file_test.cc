#include "trainer/report/event_file.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_images.h"

namespace semblance::trainer {
namespace {

using storage::v1::TensorboardEvent;
using testing::StatusIs;
using testing::TempDir;

constexpr char kName[] = "events.out.tfevents.1";

// Computes CRC-32C bit by bit.
uint32_t SlowCrc32c(absl::string_view bytes) {
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
    }
  }
  return ~crc;
}

uint32_t SlowMask(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <typename T>
T Take(std::string* bytes) {
  T value = {};
  std::memcpy(&value, bytes->data(), sizeof(value));
  bytes->erase(0, sizeof(value));
  return value;
}

// Reads every record and checks its checksums.
std::vector<TensorboardEvent> ReadEvents(const std::string& path) {
  std::string bytes = ReadFile(path).value_or("");
  std::vector<TensorboardEvent> events;
  while (bytes.size() >= 16) {
    const std::string head = bytes.substr(0, 8);
    const auto length = Take<uint64_t>(&bytes);
    EXPECT_EQ(Take<uint32_t>(&bytes), SlowMask(SlowCrc32c(head)));
    EXPECT_LE(length + 4, bytes.size());
    const std::string data = bytes.substr(0, length);
    bytes.erase(0, length);
    EXPECT_EQ(Take<uint32_t>(&bytes), SlowMask(SlowCrc32c(data)));
    EXPECT_TRUE(events.emplace_back().ParseFromString(data));
  }
  EXPECT_EQ(bytes, "");
  return events;
}

TEST(EventFileTest, TheSlowChecksumGivesTheKnownAnswers) {
  // These vectors come from RFC 3720, B.4.
  EXPECT_EQ(SlowCrc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(SlowCrc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(SlowCrc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(EventFileTest, StartsWithTheVersion) {
  const TempDir dir;

  ASSERT_OK(EventFile::Create(dir.Join(kName), absl::FromUnixSeconds(1000)));

  // These bytes were worked out by hand: length 24, wall_time (field 1) 1000.0, file_version (field 3).
  const std::string data(
      "\x09\x00\x00\x00\x00\x00\x40\x8f\x40\x1a\x0d"
      "brain.Event:2",
      24);
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(dir.Join(kName)));
  EXPECT_EQ(bytes.size(), 40U);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x18\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(12, 24), data);
  EXPECT_EQ(ReadEvents(dir.Join(kName)).size(), 1U);
}

TEST(EventFileTest, HoldsTheValuesOfEachStep) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto file, EventFile::Create(dir.Join(kName), absl::FromUnixSeconds(1000)));

  ASSERT_OK(file->AddScalars(7, absl::FromUnixMillis(1001500), {{"loss", 0.5}, {"recall/at 1", 0.25}}));
  ASSERT_OK(file->AddScalars(int64_t{1} << 40, absl::FromUnixSeconds(1002), {{"loss", 0.125}}));

  const std::vector<TensorboardEvent> events = ReadEvents(dir.Join(kName));
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].step(), 7);
  EXPECT_EQ(events[1].wall_time(), 1001.5);
  ASSERT_EQ(events[1].summary().value_size(), 2);
  EXPECT_EQ(events[1].summary().value(0).tag(), "loss");
  EXPECT_EQ(events[1].summary().value(0).simple_value(), 0.5F);
  EXPECT_EQ(events[1].summary().value(1).tag(), "recall/at 1");
  EXPECT_EQ(events[1].summary().value(1).simple_value(), 0.25F);
  EXPECT_EQ(events[2].step(), int64_t{1} << 40);
}

TEST(EventFileTest, HoldsAPicture) {
  const TempDir dir;
  const std::string png = testing::EncodePng(testing::NoiseImage(40, 30, 3));
  ASSERT_OK_AND_ASSIGN(const auto file, EventFile::Create(dir.Join(kName), absl::FromUnixSeconds(1000)));

  ASSERT_OK(file->AddImage(3, absl::FromUnixSeconds(1001), "curve", png));

  const std::vector<TensorboardEvent> events = ReadEvents(dir.Join(kName));
  ASSERT_EQ(events.size(), 2U);
  const auto& value = events[1].summary().value(0);
  EXPECT_EQ(value.tag(), "curve");
  EXPECT_EQ(value.image().width(), 40);
  EXPECT_EQ(value.image().height(), 30);
  EXPECT_EQ(value.image().encoded_image_string(), png);
}

TEST(EventFileTest, RefusesWhatIsNoPng) {
  const TempDir dir;
  const std::string jpeg = testing::EncodeJpeg(testing::NoiseImage(40, 30, 3));
  ASSERT_OK_AND_ASSIGN(const auto file, EventFile::Create(dir.Join(kName), absl::FromUnixSeconds(1000)));

  EXPECT_THAT(file->AddImage(3, absl::FromUnixSeconds(1001), "curve", jpeg), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(file->AddImage(3, absl::FromUnixSeconds(1001), "curve", "text"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReadEvents(dir.Join(kName)).size(), 1U);
}

TEST(EventFileTest, TakesThePlaceOfAnEarlierFile) {
  const TempDir dir;
  {
    ASSERT_OK_AND_ASSIGN(const auto file, EventFile::Create(dir.Join(kName), absl::FromUnixSeconds(1000)));
    ASSERT_OK(file->AddScalars(1, absl::FromUnixSeconds(1001), {{"loss", 1}}));
  }

  ASSERT_OK(EventFile::Create(dir.Join(kName), absl::FromUnixSeconds(2000)));

  EXPECT_EQ(ReadEvents(dir.Join(kName)).size(), 1U);
}

}  // namespace
}  // namespace semblance::trainer
