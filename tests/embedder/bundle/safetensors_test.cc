#include "embedder/bundle/safetensors.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::HasSubstr;

HostTensor Floats(std::vector<int64_t> shape, const std::vector<float>& values) {
  return {"F32", std::move(shape), std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float))};
}

HostTensor Integer(int64_t value) {
  return {"I64", {}, std::string(reinterpret_cast<const char*>(&value), sizeof(value))};
}

TensorMap Sample() {
  return {{"conv.weight", Floats({2, 3}, {1, 2, 3, 4, 5, 6})},
          {"counter", Integer(7)},
          {"empty", Floats({0, 5}, {})},
          {"scalar", Floats({}, {0.5})}};
}

std::string File(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes.push_back(static_cast<char>(header.size() >> (8 * i)));
  }
  return bytes + header + data;
}

void ExpectEqual(const TensorMap& a, const TensorMap& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_EQ(b.count(name), 1u) << name;
    EXPECT_EQ(tensor.dtype, b.at(name).dtype);
    EXPECT_EQ(tensor.shape, b.at(name).shape);
    EXPECT_EQ(tensor.data, b.at(name).data);
  }
}

TEST(SafetensorsTest, WhatIsWrittenIsRead) {
  ASSERT_OK_AND_ASSIGN(const TensorMap read, ParseSafetensors(SerializeSafetensors(Sample()), "file"));

  ExpectEqual(read, Sample());
}

TEST(SafetensorsTest, NoTensorsMakeAFile) {
  ASSERT_OK_AND_ASSIGN(const TensorMap read, ParseSafetensors(SerializeSafetensors({}), "file"));

  EXPECT_TRUE(read.empty());
}

TEST(SafetensorsTest, BytesFollowTheFormat) {
  const std::string bytes = SerializeSafetensors({{"b", Integer(1)}, {"a", Floats({1}, {2})}});

  // Tensors with larger elements come first, whatever their names are.
  const std::string header =
      R"({"a":{"data_offsets":[8,12],"dtype":"F32","shape":[1]},"b":{"data_offsets":[0,8],"dtype":"I64","shape":[]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes, File(padded, std::string("\x01\0\0\0\0\0\0\0\0\0\0\x40", 12)));
}

TEST(SafetensorsTest, MetadataAndOtherOrdersAreRead) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"late":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"early":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";

  ASSERT_OK_AND_ASSIGN(const TensorMap read, ParseSafetensors(File(header, "AAAABBBB"), "file"));

  EXPECT_EQ(read.at("early").data, "AAAA");
  EXPECT_EQ(read.at("late").data, "BBBB");
}

TEST(SafetensorsTest, AFileCutAnywhereIsAnError) {
  const std::string bytes = SerializeSafetensors(Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ParseSafetensors(bytes.substr(0, size), "file"), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
  EXPECT_THAT(ParseSafetensors(bytes + "x", "file"), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(SafetensorsTest, EveryFlippedBitGivesAnErrorOrWellFormedTensors) {
  const std::string original = SerializeSafetensors(Sample());
  int errors = 0;
  for (size_t position = 0; position < original.size() * 8; ++position) {
    std::string bytes = original;
    bytes[position / 8] ^= static_cast<char>(1 << (position % 8));
    const absl::StatusOr<TensorMap> read = ParseSafetensors(bytes, "file");
    if (!read.ok()) {
      ASSERT_THAT(read, StatusIs(absl::StatusCode::kDataLoss));
      ++errors;
      continue;
    }
    for (const auto& [name, tensor] : *read) {
      size_t size = static_cast<size_t>(DtypeSize(tensor.dtype));
      for (const int64_t extent : tensor.shape) {
        size *= static_cast<size_t>(extent);
      }
      ASSERT_EQ(tensor.data.size(), size) << name;
    }
  }
  EXPECT_GT(errors, 1000);
}

struct BrokenFile {
  const char* name;
  std::string header;
  std::string data;
  const char* message;
};

class BrokenFileTest : public ::testing::TestWithParam<BrokenFile> {};

TEST_P(BrokenFileTest, IsDataLossThatSaysWhat) {
  const absl::StatusOr<TensorMap> read = ParseSafetensors(File(GetParam().header, GetParam().data), "model.safetensors");

  EXPECT_THAT(read, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(read, StatusMessage(AllOf(HasSubstr("model.safetensors"), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BrokenFileTest,
    ::testing::Values(
        BrokenFile{"NotJson", "{", "", "not a JSON object"}, BrokenFile{"NotAnObject", "[]", "", "not a JSON object"},
        BrokenFile{"DeepNesting", std::string(200000, '['), "", "not a JSON object"},
        BrokenFile{"NoDtype", R"({"t":{"shape":[],"data_offsets":[0,4]}})", "AAAA", "tensor t has no dtype"},
        BrokenFile{"EntryIsANumber", R"({"t":4})", "", "tensor t has no dtype"},
        BrokenFile{"UnknownDtype", R"({"t":{"dtype":"F16","shape":[],"data_offsets":[0,2]}})", "AA", "dtype F16"},
        BrokenFile{"NegativeShape", R"({"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "AAAA", "no shape"},
        BrokenFile{"FractionalShape", R"({"t":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", "AAAA", "no shape"},
        BrokenFile{"OneOffset", R"({"t":{"dtype":"F32","shape":[],"data_offsets":[0]}})", "", "data_offsets"},
        BrokenFile{"BackwardOffsets", R"({"t":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}})", "AAAA", "not its size"},
        BrokenFile{"SizeDiffersFromShape", R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "AAAA", "not its size"},
        BrokenFile{"ProductOverflows", R"({"t":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", "",
                   "not its size"},
        BrokenFile{"PastTheEnd", R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "AAAA", "next free byte"},
        BrokenFile{"Gap", R"({"t":{"dtype":"F32","shape":[],"data_offsets":[4,8]}})", "AAAABBBB", "next free byte"},
        BrokenFile{"Overlap",
                   R"({"t":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"u":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                   "AAAA", "next free byte"},
        BrokenFile{"UnusedData", R"({"t":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", "AAAABBBB", "4 bytes at the end"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(SafetensorsTest, AHugeHeaderLengthIsAnError) {
  EXPECT_THAT(ParseSafetensors(std::string(8, '\xFF') + "{}", "file"), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace semblance::embedder
