#include "embedder/bundle/zip_archive.h"

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

// An archive as PKWARE's APPNOTE.TXT describes it, with fields that a test may set wrong.
struct Archive {
  struct Record {
    std::string name = {};
    std::string data = {};
    uint64_t method = 0;
    std::string local_extra = {};
  };

  std::string Bytes() const {
    std::string local;
    std::string directory;
    for (const Record& record : records) {
      const uint64_t crc = crc32(0, reinterpret_cast<const Bytef*>(record.data.data()), static_cast<uInt>(record.data.size()));
      const std::string common = Little(0, 2) + Little(record.method, 2) + Little(0, 4) + Little(crc, 4) +
                                 Little(record.data.size(), 4) + Little(record.data.size(), 4) + Little(record.name.size(), 2);
      directory += "PK\x01\x02" + Little(20, 2) + Little(20, 2) + common + Little(0, 2) + Little(comment_of_entry.size(), 2) +
                   Little(0, 2) + Little(0, 2) + Little(0, 4) + Little(local.size(), 4) + record.name + comment_of_entry;
      local += "PK\x03\x04" + Little(20, 2) + common + Little(record.local_extra.size(), 2) + record.name + record.local_extra +
               record.data;
    }
    return local + directory + "PK\x05\x06" + Little(0, 4) + Little(records.size(), 2) + Little(records.size(), 2) +
           Little(directory.size(), 4) + Little(local.size(), 4) + Little(comment.size(), 2) + comment;
  }

  std::vector<Record> records = {};
  std::string comment_of_entry = {};
  std::string comment = {};
};

auto IsDamaged(const std::string& message) {
  return AllOf(StatusIs(absl::StatusCode::kDataLoss), StatusMessage(HasSubstr(message)));
}

TEST(ReadStoredZip, GivesEveryRecordByName) {
  const std::string binary("\0\1", 2);
  const std::string bytes = Archive{{{"b/data.pkl", "pickle"}, {"a", binary}, {"empty", ""}}}.Bytes();
  const auto records = ReadStoredZip(bytes);
  ASSERT_OK(records);
  EXPECT_THAT(*records, ElementsAre(Pair("a", absl::string_view(binary)), Pair("b/data.pkl", "pickle"), Pair("empty", "")));
}

TEST(ReadStoredZip, PointsIntoTheBytes) {
  const std::string bytes = Archive{{{"a", "content"}}}.Bytes();
  const auto records = ReadStoredZip(bytes);
  ASSERT_OK(records);
  EXPECT_EQ(records->at("a").data(), bytes.data() + bytes.find("content"));
}

TEST(ReadStoredZip, ReadsAnEmptyArchive) {
  const auto records = ReadStoredZip(Archive().Bytes());
  ASSERT_OK(records);
  EXPECT_THAT(*records, IsEmpty());
}

TEST(ReadStoredZip, SkipsPaddingAndComments) {
  // torch.save pads local headers so that the data lies at a multiple of 64 bytes.
  const std::string bytes =
      Archive{{{"a", "one", 0, std::string(37, 'F')}, {"b", "two"}}, "comment of an entry", std::string(65535, 'c')}.Bytes();
  const auto records = ReadStoredZip(bytes);
  ASSERT_OK(records);
  EXPECT_THAT(*records, ElementsAre(Pair("a", "one"), Pair("b", "two")));
}

TEST(ReadStoredZip, RefusesCompressedRecords) {
  EXPECT_THAT(ReadStoredZip(Archive{{{"a", "x", 8}}}.Bytes()), IsDamaged("record a is compressed"));
}

TEST(ReadStoredZip, NamesTheRecordWhoseChecksumDoesNotMatch) {
  std::string bytes = Archive{{{"good", "one"}, {"bad", "two"}}}.Bytes();
  bytes[bytes.find("two")] = 'T';
  EXPECT_THAT(ReadStoredZip(bytes), IsDamaged("the checksum of record bad does not match"));
}

TEST(ReadStoredZip, RefusesAFileThatIsCutAnywhere) {
  const std::string bytes = Archive{{{"a", "content"}, {"b", "more"}}, "x"}.Bytes();
  ASSERT_OK(ReadStoredZip(bytes));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ReadStoredZip(bytes.substr(0, size)), IsDamaged("")) << size;
  }
}

TEST(ReadStoredZip, GivesTheContentOrAnErrorForEveryFlippedBit) {
  const std::string bytes = Archive{{{"a", "content"}, {"b", "more"}}}.Bytes();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const auto records = ReadStoredZip(damaged);
    if (!records.ok()) {
      EXPECT_THAT(records, IsDamaged("")) << bit;
      continue;
    }
    for (const auto& [name, data] : *records) {  // Names have no checksum.
      EXPECT_TRUE(data == "content" || data == "more") << bit << " " << name;
    }
  }
}

}  // namespace
}  // namespace semblance::embedder
