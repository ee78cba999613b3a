#include "embedder/bundle/pickle.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::StatusIs;
using Kind = PickleValue::Kind;

// Returns a readable form of a value: 7, "text", [a, b], {key: value}, module.name, call(callee, arguments), id(x), None, other.
std::string Show(const PickleValue& value) {
  std::vector<std::string> items;
  for (const PickleValue* item : value.items) {
    items.push_back(Show(*item));
  }
  std::string joined;
  for (size_t i = 0; i < items.size(); ++i) {
    const bool is_dict_value = value.kind == Kind::kDict && i % 2 == 1;
    absl::StrAppend(&joined, i == 0 ? "" : is_dict_value ? ": " : ", ", items[i]);
  }
  switch (value.kind) {
    case Kind::kNone:
      return "None";
    case Kind::kInteger:
      return std::to_string(value.integer);
    case Kind::kText:
      return "\"" + value.text + "\"";
    case Kind::kSequence:
      return "[" + joined + "]";
    case Kind::kDict:
      return "{" + joined + "}";
    case Kind::kGlobal:
      return value.text;
    case Kind::kCall:
      return "call(" + joined + ")";
    case Kind::kPersistentId:
      return "id(" + joined + ")";
    case Kind::kOther:
      return "other";
  }
  return "";
}

// Returns the bytes of a pickle: the header of protocol 2, then `body`, then STOP.
std::string Protocol2(const std::string& body) {
  return "\x80\x02" + body + ".";
}

std::string Shown(const std::string& bytes) {
  const absl::StatusOr<Pickle> pickle = ParsePickle(bytes);
  return pickle.ok() ? Show(*pickle->root) : absl::StrCat("error: ", pickle.status().message());
}

// These bytes are pickle.dumps({"a": [1, 2], "b": (None, True)}, protocol=2).
std::string ExampleDict() {
  return std::string(
      "\x80\x02}q\0(X\x01\0\0\0aq\x01]q\x02(K\x01K\x02"
      "eX\x01\0\0\0bq\x03N\x88\x86q\x04u.",
      38);
}

TEST(ParsePickle, ReadsDictsListsAndTuples) {
  EXPECT_EQ(Shown(ExampleDict()), R"({"a": [1, 2], "b": [None, 1]})");
}

TEST(ParsePickle, ReadsIntegersOfEveryWidth) {
  EXPECT_EQ(Shown(Protocol2("K\xff")), "255");
  EXPECT_EQ(Shown(Protocol2("M\xff\xff")), "65535");
  EXPECT_EQ(Shown(Protocol2("J\xfe\xff\xff\xff")), "-2");
  EXPECT_EQ(Shown(Protocol2(std::string("\x8a\0", 2))), "0");
  EXPECT_EQ(Shown(Protocol2("\x8a\x01\x80")), "-128");
  EXPECT_EQ(Shown(Protocol2("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f")), "9223372036854775807");
  EXPECT_EQ(Shown(Protocol2("\x8a\x09"
                            "123456789")),
            R"("123456789")")
      << "more than 64 bits stay bytes";
  EXPECT_EQ(Shown(Protocol2("\x89")), "0");
}

TEST(ParsePickle, ReadsTextOfProtocols2To4) {
  EXPECT_EQ(Shown(Protocol2(std::string("X\x02\0\0\0hi", 7))), R"("hi")");
  EXPECT_EQ(Shown(Protocol2("U\x02hi")), R"("hi")");
  EXPECT_EQ(Shown("\x80\x04\x8c\x02hi."), R"("hi")");
  EXPECT_EQ(Shown("\x80\x03"
                  "C\x02hi."),
            R"("hi")");
}

TEST(ParsePickle, KeepsClassesAndCallsAsNames) {
  EXPECT_EQ(Shown(Protocol2("cos\nsystem\nU\x06rm -rf\x85R")), R"(call(os.system, ["rm -rf"]))");
  EXPECT_EQ(Shown("\x80\x04\x8c\x02os\x8c\x06system\x93."), "os.system");
}

TEST(ParsePickle, ReadsAnOrderedDictAsADict) {
  EXPECT_EQ(Shown(Protocol2("ccollections\nOrderedDict\n)R(U\x01"
                            "aK\x01u")),
            R"({"a": 1})");
  EXPECT_EQ(Shown(Protocol2("ccollections\nOrderedDict\n]]U\x01"
                            "aaK\x07"
                            "aa\x85R")),
            R"({"a": 7})")
      << "as Python 2 writes it";
}

TEST(ParsePickle, ReadsReferencesOutOfThePickle) {
  EXPECT_EQ(Shown(Protocol2("U\x07storageQ")), R"(id("storage"))");
}

TEST(ParsePickle, RepeatsMemoizedValues) {
  EXPECT_EQ(Shown(Protocol2(std::string("]q\0h\0h\0\x87", 8))), "[[], [], []]");
  EXPECT_EQ(Shown("\x80\x04\x95" + std::string(8, '\0') + "]\x94h" + std::string(1, '\0') + "\x86."), "[[], []]");
}

TEST(ParsePickle, MayContainItself) {
  const absl::StatusOr<Pickle> pickle = ParsePickle(Protocol2(std::string("]q\0h\0a", 6)));
  ASSERT_OK(pickle);
  EXPECT_EQ(pickle->root->items.at(0), pickle->root);
}

TEST(ParsePickle, TellsWhereThePickleEnds) {
  const absl::StatusOr<Pickle> pickle = ParsePickle(Protocol2("N") + "more bytes");
  ASSERT_OK(pickle);
  EXPECT_EQ(pickle->size, 4U);
}

TEST(ParsePickle, RefusesWhatDoesNotFitTheStack) {
  for (const std::string& body :
       {std::string(), std::string("t"), std::string("u"), std::string("s"), std::string("N(0"), std::string("R"),
        std::string("h\x05"), std::string("NR"), std::string("}(Nu"), std::string("b"), std::string("a"), std::string("q\x01")}) {
    EXPECT_THAT(ParsePickle(Protocol2(body)), StatusIs(absl::StatusCode::kDataLoss)) << body;
  }
}

TEST(ParsePickle, RefusesOpcodesAndProtocolsThatItDoesNotKnow) {
  EXPECT_THAT(ParsePickle(Protocol2("i")), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParsePickle("\x80\x06N."), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParsePickle(""), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(ParsePickle, RefusesAPickleThatIsCutAnywhere) {
  const std::string bytes = ExampleDict();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ParsePickle(bytes.substr(0, size)), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
}

TEST(ParsePickle, RefusesALengthBeyondTheEnd) {
  EXPECT_THAT(ParsePickle(Protocol2("X\xff\xff\xff\xffhi")), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(ParsePickle, BoundsItsMemoryByTheLengthOfTheInput) {
  // The list has the same pair 1,000 times. Each round makes an OrderedDict from it.
  std::string list("]q\0U\1aK\1\x86q\1", 11);
  for (int i = 0; i < 1000; ++i) {
    list += std::string("h\0h\1a0", 6);
  }
  const std::string round("ccollections\nOrderedDict\nh\0\x85R0", 30);
  EXPECT_OK(ParsePickle(Protocol2(list + round + round + "N")));
  std::string rounds;
  for (int i = 0; i < 1000; ++i) {
    rounds += round;
  }
  EXPECT_THAT(ParsePickle(Protocol2(list + rounds + "N")), StatusIs(absl::StatusCode::kDataLoss)) << "a million pairs from 36 kB";
}

TEST(ParsePickle, NeverCrashesOnRandomBytes) {
  std::mt19937 random(1);
  const std::string opcodes = "N\x88K(ta]}ausRQqh0b.\x85\x86\x87\x93\x94X";
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = "\x80\x02";
    for (size_t length = random() % 30; length > 0; --length) {
      bytes.push_back(random() % 4 == 0 ? static_cast<char>(random() % 3) : opcodes[random() % opcodes.size()]);
    }
    const absl::StatusOr<Pickle> pickle = ParsePickle(bytes + ".");
    read += pickle.ok() ? 1 : 0;
    EXPECT_TRUE(pickle.ok() || pickle.status().code() == absl::StatusCode::kDataLoss);
  }
  EXPECT_GT(read, 10);
}

}  // namespace
}  // namespace semblance::embedder
