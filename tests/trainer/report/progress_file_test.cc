#include "trainer/report/progress_file.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "common/json_record.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::trainer {
namespace {

using storage::v1::TrainerProgress;

TEST(ProgressFileTest, WritesNotMoreThanOnceASecondButForAChangeOfActivity) {
  const testing::TempDir dir;
  const std::string path = dir.Join("run/progress.json");
  ProgressFile file(path);
  file.WriteActivity("training");
  file.progress().set_step(5);
  file.Write();
  EXPECT_EQ(ReadJsonRecord<TrainerProgress>(path)->step(), 0);
  file.WriteActivity("evaluating");
  EXPECT_EQ(ReadJsonRecord<TrainerProgress>(path)->step(), 5);
  file.WriteFailure("no images");
  EXPECT_EQ(ReadJsonRecord<TrainerProgress>(path)->error(), "no images");
}

TEST(ProgressFileTest, WhatCannotBeWrittenStopsNothing) {
  const testing::TempDir dir;
  ASSERT_OK(WriteFileAtomically(dir.Join("file"), ""));
  ProgressFile(dir.Join("file/progress.json")).WriteActivity("training");
  ProgressFile("").WriteActivity("training");
}

}  // namespace
}  // namespace semblance::trainer
