#include "cli/example_flags.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::TempDir;
using ::testing::HasSubstr;

class ExampleFlagsTest : public ::testing::Test {
 protected:
  // There are two classes with ten images each.
  std::unique_ptr<dataset::Dataset> SomeDataset() {
    for (const std::string label : {"boot", "shoe"}) {
      std::filesystem::create_directories(dir_.Join(label));
      for (char name = 'a'; name <= 'j'; ++name) {
        std::ofstream(dir_.Join(label + "/" + name + ".jpg")) << name;
      }
    }
    return dataset::OpenDataset(dir_.path()).value();
  }

  const TempDir dir_;
  ExampleFlags flags_;
};

TEST_F(ExampleFlagsTest, AreSetByTheCommandLine) {
  CommandLine command("semblance x", "", "X.");
  AddExampleFlags(command, flags_);
  ASSERT_TRUE(command.Parse({"--split=test", "--hold_out", "classes", "--hold_out_fraction=0.5"}).ok());
  EXPECT_EQ(flags_.split, "test");
  EXPECT_EQ(flags_.hold_out, "classes");
  EXPECT_EQ(flags_.hold_out_fraction, 0.5);
}

TEST_F(ExampleFlagsTest, ThoseThatMakeNoSenseAreNamed) {
  EXPECT_EQ(CheckExampleFlags(flags_), "");
  EXPECT_THAT(CheckExampleFlags({.split = "half"}), HasSubstr("--split=half is none of all, train, test"));
  EXPECT_THAT(CheckExampleFlags({.hold_out = "x"}), HasSubstr("--hold_out=x"));
  for (const double fraction : {0.0, 1.0, -0.5}) {
    EXPECT_THAT(CheckExampleFlags({.hold_out_fraction = fraction}), HasSubstr("--hold_out_fraction"));
  }
  for (const char* hold_out : {"items", "classes", "last_classes"}) {
    EXPECT_EQ(CheckExampleFlags({.hold_out = hold_out}), "");
  }
}

TEST_F(ExampleFlagsTest, AllExamplesAreChosenByDefault) {
  const auto dataset = SomeDataset();
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> all, ChooseExamples(*dataset, flags_));
  EXPECT_EQ(all.size(), 20u);
  EXPECT_EQ(all.front(), 0);
  EXPECT_EQ(all.back(), 19);
}

TEST_F(ExampleFlagsTest, TrainAndTestAreTheHalvesOfOneSplit) {
  const auto dataset = SomeDataset();
  ASSERT_OK_AND_ASSIGN(std::vector<int64_t> examples, ChooseExamples(*dataset, {.split = "train"}));
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> test, ChooseExamples(*dataset, {.split = "test"}));
  EXPECT_FALSE(test.empty());
  EXPECT_LT(test.size(), examples.size());
  examples.insert(examples.end(), test.begin(), test.end());
  std::sort(examples.begin(), examples.end());
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> all, ChooseExamples(*dataset, flags_));
  EXPECT_EQ(examples, all);
}

TEST_F(ExampleFlagsTest, LastClassesAreHeldOutWhole) {
  const auto dataset = SomeDataset();
  const ExampleFlags last = {.split = "test", .hold_out = "last_classes", .hold_out_fraction = 0.5};
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> test, ChooseExamples(*dataset, last));
  ASSERT_EQ(test.size(), 10u);
  for (const int64_t index : test) {
    EXPECT_EQ(dataset->example(index).label, "shoe");
  }
}

}  // namespace
}  // namespace semblance::cli
