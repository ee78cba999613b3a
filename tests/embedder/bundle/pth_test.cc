#include "embedder/bundle/pth.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "embedder/bundle/pickle.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Data(const std::string& name) {
  const absl::StatusOr<std::string> bytes = ReadFile(absl::StrCat(SEMBLANCE_TEST_DATA, "/", name));
  EXPECT_OK(bytes);
  return bytes.ok() ? *bytes : "";
}

template <typename Value>
std::vector<Value> Values(const HostTensor& tensor) {
  std::vector<Value> values(tensor.data.size() / sizeof(Value));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

std::vector<std::string> NamesOf(const TensorMap& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    names.push_back(name);
  }
  return names;
}

// The files have both layouts of torch.save, with the same content (data/make_pth.py).
class PthTest : public ::testing::TestWithParam<const char*> {
 protected:
  static std::string NameOf(const std::string& stem) { return stem + GetParam() + ".pth"; }
};

TEST_P(PthTest, HoldsTheTensorsOfAStateDict) {
  ASSERT_OK_AND_ASSIGN(const TensorMap tensors, ParsePth(Data(NameOf("small_convnet")), "file"));

  EXPECT_THAT(NamesOf(tensors),
              ElementsAre("fc.bias", "fc.weight", "stage1.bn1.bias", "stage1.bn1.num_batches_tracked", "stage1.bn1.running_mean",
                          "stage1.bn1.running_var", "stage1.bn1.weight", "stage1.conv1.weight"));
  const HostTensor& weight = tensors.at("stage1.conv1.weight");
  EXPECT_EQ(weight.dtype, "F32");
  EXPECT_THAT(weight.shape, ElementsAre(2, 1, 3, 3));
  EXPECT_EQ(Values<float>(weight)[17], 17.0F / 8);
  EXPECT_THAT(Values<float>(tensors.at("stage1.bn1.running_mean")), ElementsAre(0.5F, -0.5F));
  EXPECT_THAT(Values<int64_t>(tensors.at("stage1.bn1.num_batches_tracked")), ElementsAre(7));
  EXPECT_THAT(tensors.at("stage1.bn1.num_batches_tracked").shape, IsEmpty());
}

TEST_P(PthTest, FindsTheStateDictOfACheckpointAndUnravelsViews) {
  ASSERT_OK_AND_ASSIGN(const TensorMap tensors, ParsePth(Data(NameOf("checkpoint")), "file"));

  EXPECT_THAT(NamesOf(tensors), ElementsAre("empty", "parameter", "row", "scalar", "transposed"));
  EXPECT_THAT(tensors.at("transposed").shape, ElementsAre(4, 3));
  EXPECT_THAT(Values<float>(tensors.at("transposed")), ElementsAre(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11));
  EXPECT_THAT(Values<float>(tensors.at("row")), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(Values<float>(tensors.at("parameter")), ElementsAre(0, 1));
  EXPECT_THAT(Values<int64_t>(tensors.at("scalar")), ElementsAre(-(int64_t{1} << 40)));
  EXPECT_THAT(tensors.at("empty").shape, ElementsAre(0, 3));
}

TEST_P(PthTest, FilesCutShortAreRefused) {
  const std::string bytes = Data(NameOf("small_convnet"));
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(ParsePth(bytes.substr(0, size), "file").ok()) << size;
  }
}

TEST_P(PthTest, FlippedBitsAreRefusedOrHarmless) {
  const std::string bytes = Data(NameOf("checkpoint"));
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char flip : {'\x01', '\x20', '\xff'}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      const absl::StatusOr<TensorMap> tensors = ParsePth(damaged, "file");
      for (const auto& [name, tensor] : tensors.value_or(TensorMap())) {
        size_t size = static_cast<size_t>(DtypeSize(tensor.dtype));
        for (const int64_t extent : tensor.shape) {
          size *= static_cast<size_t>(extent);
        }
        ASSERT_EQ(tensor.data.size(), size) << i << name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, PthTest, ::testing::Values("", "_legacy"),
                         [](const auto& test) { return std::string(*test.param == 0 ? "Zip" : "Legacy"); });

TEST(PthTest, ChangedDataOfAZipIsFoundByItsChecksum) {
  std::string bytes = Data("small_convnet.pth");
  const float value = 17.0F / 8;
  const size_t place = bytes.find(std::string(reinterpret_cast<const char*>(&value), sizeof(value)));
  ASSERT_NE(place, std::string::npos);
  bytes[place] ^= 1;

  EXPECT_THAT(ParsePth(bytes, "file"),
              AllOf(StatusIs(absl::StatusCode::kDataLoss), StatusMessage(HasSubstr("checksum of record"))));
}

TEST(PthTest, OtherTypesAreNamed) {
  EXPECT_THAT(ParsePth(Data("half.pth"), "weights.pth"),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument),
                    StatusMessage(HasSubstr("weights.pth: tensor half is of torch.HalfStorage; expected float32 or int64"))));
}

TEST(PthTest, OtherFilesAreRefused) {
  EXPECT_FALSE(IsPth(""));
  EXPECT_FALSE(IsPth(SerializeSafetensors({{"a", {"F32", {1}, "abcd"}}})));
  EXPECT_THAT(ParsePth("text", "file"), StatusIs(absl::StatusCode::kInvalidArgument));
}

// The bytes of the pickles come from Python's pickletools.
TEST(PickleTest, CallsStayNames) {
  // This pickle calls os.system("true"), in protocol 2.
  ASSERT_OK_AND_ASSIGN(const Pickle pickle, ParsePickle(std::string("\x80\x02") + "cposix\nsystem\nU\x04true\x85R."));

  ASSERT_EQ(pickle.root->kind, PickleValue::Kind::kCall);
  EXPECT_EQ(pickle.root->items[0]->text, "posix.system");
  EXPECT_EQ(pickle.root->items[1]->items[0]->text, "true");
}

TEST(PickleTest, AListMayContainItself) {
  ASSERT_OK_AND_ASSIGN(const Pickle pickle, ParsePickle(std::string("]q") + '\0' + "h" + '\0' + "a."));

  EXPECT_THAT(pickle.root->items, ElementsAre(pickle.root));
}

TEST(PickleTest, SaysWhereItIsBroken) {
  for (const std::string text : {"", ".", "N", "t.", "(a.", "h\x01.", "\xff.", "(]u.", "X\xff\xff\xff\x7f", "cabc", "Na(."}) {
    EXPECT_THAT(ParsePickle(text), StatusIs(absl::StatusCode::kDataLoss)) << text;
  }
  EXPECT_THAT(ParsePickle("NNI."), StatusMessage(HasSubstr("at its byte 2")));
}

}  // namespace
}  // namespace semblance::embedder
