#include "service/training/training_table.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using service::TrainingState;
using storage::v1::JobRecord;

class TrainingTableTest : public ::testing::Test {
 protected:
  TrainingTableTest() : store_(*service::TrainingStore::Open(dir_.path())), table_(&store_, &clock_) {}

  // Makes a job that is QUEUED.
  std::string Create() {
    storage::v1::JobManifest manifest;
    manifest.set_request_id("once");
    const auto created = store_.Create(manifest, {});
    EXPECT_OK(created);
    EXPECT_EQ(table_.Load(created->id()), TrainingState::kQueued);
    return created->id();
  }

  std::string FileOf(const std::string& id, const std::string& name) { return dir_.Join(absl::StrCat("jobs/", id, "/", name)); }

  const TempDir dir_;
  FakeClock clock_;
  const service::TrainingStore store_;
  service::TrainingTable table_;
};

TEST_F(TrainingTableTest, ATransitionIsOnDiskWhenTheTableShowsIt) {
  const std::string id = Create();
  std::vector<JobRecord::Phase> on_disk;
  const auto token = table_.AddObserver(id, [&](const auto&) { on_disk.push_back(store_.ReadRecord(id)->phase()); });
  ASSERT_OK(token);
  clock_.Advance(absl::Seconds(7));
  ASSERT_OK(table_.Transition(id, TrainingState::kRunning, "started", [](JobRecord& record) { record.set_start_count(1); }));
  table_.RemoveObserver(*token);
  EXPECT_THAT(on_disk, ElementsAre(JobRecord::PHASE_QUEUED, JobRecord::PHASE_RUNNING));
  EXPECT_EQ(store_.ReadRecord(id)->start_count(), 1);
  EXPECT_EQ(table_.Record(id).start_count(), 1);
  const auto info = table_.Find(id);
  ASSERT_OK(info);
  EXPECT_EQ(info->state, TrainingState::kRunning);
  EXPECT_EQ(info->reason, "started");
  EXPECT_EQ(info->state_time, clock_.Now());
}

TEST_F(TrainingTableTest, TheTimeOfAStateIsThatOfItsFirstEntry) {
  const std::string id = Create();
  ASSERT_OK(table_.Transition(id, TrainingState::kRunning, "first"));
  const absl::Time entered = clock_.Now();
  clock_.Advance(absl::Seconds(1));
  ASSERT_OK(table_.Transition(id, TrainingState::kRunning, "again"));
  EXPECT_EQ(table_.Find(id)->state_time, entered);
  EXPECT_EQ(table_.Find(id)->reason, "again");
}

TEST_F(TrainingTableTest, ATransitionThatIsNotListedChangesNothing) {
  const std::string id = Create();
  const absl::Status refused = table_.Transition(id, TrainingState::kSucceeded, "too early");
  EXPECT_EQ(refused, absl::FailedPreconditionError("job job-000001 is queued and cannot become succeeded"));
  EXPECT_EQ(table_.End(id, TrainingState::kSucceeded, "too early"), refused);
  EXPECT_EQ(table_.Find(id)->state, TrainingState::kQueued);
  EXPECT_EQ(store_.ReadRecord(id)->phase(), JobRecord::PHASE_QUEUED);
  EXPECT_THAT(table_.Transition("job-000009", TrainingState::kRunning, ""), HasReason("JOB_NOT_FOUND"));
}

TEST_F(TrainingTableTest, ATransitionThatCannotBeWrittenChangesNothing) {
  const std::string id = Create();
  ASSERT_OK(RemoveAll(FileOf(id, "")));
  EXPECT_FALSE(table_.Transition(id, TrainingState::kRunning, "started").ok());
  EXPECT_EQ(table_.Find(id)->state, TrainingState::kQueued);
  EXPECT_EQ(table_.Record(id).phase(), JobRecord::PHASE_QUEUED);
}

TEST_F(TrainingTableTest, AnEndThatCannotBeWrittenIsShownAllTheSame) {
  const std::string id = Create();
  ASSERT_OK(RemoveAll(FileOf(id, "")));
  EXPECT_OK(table_.End(id, TrainingState::kFailed, "the disk is gone"));
  EXPECT_EQ(table_.Find(id)->state, TrainingState::kFailed);
}

TEST_F(TrainingTableTest, WhatIsShownWithoutAChangeOfStateIsNotWritten) {
  const std::string id = Create();
  int told = 0;
  const auto token = table_.AddObserver(id, [&](const auto&) { ++told; });
  ASSERT_OK(token);
  table_.ShowReason(id, "it waits");
  table_.ShowReason(id, "it waits");
  EXPECT_EQ(told, 2) << "the same reason is told once";
  EXPECT_EQ(table_.Find(id)->reason, "it waits");
  EXPECT_EQ(store_.ReadRecord(id)->reason(), "");
  storage::v1::TrainerProgress progress;
  progress.set_step(3);
  table_.ShowProgress(id, progress);
  EXPECT_EQ(table_.Find(id)->progress.step(), 3);
  table_.RemoveObserver(*token);
}

TEST_F(TrainingTableTest, AJobThatCannotBeReadIsFailedAndCanOnlyBeErased) {
  const std::string id = Create();
  ASSERT_OK(WriteFileAtomically(FileOf(id, "state.json"), "{"));
  EXPECT_EQ(table_.Load(id), TrainingState::kFailed);
  EXPECT_THAT(table_.Find(id)->reason, HasSubstr("state.json"));
  EXPECT_THAT(table_.Transition(id, TrainingState::kQueued, "resumed"), StatusMessage(HasSubstr("state.json")));
  table_.Erase(id);
  EXPECT_THAT(table_.Find(id), HasReason("JOB_NOT_FOUND"));
  EXPECT_THAT(table_.List(), IsEmpty());
}

TEST_F(TrainingTableTest, KeepsTheManifestOfAJob) {
  const std::string id = Create();
  EXPECT_EQ(table_.Manifest(id).request_id(), "once");
  EXPECT_EQ(table_.Manifest("job-000009").request_id(), "");
  EXPECT_EQ(table_.Record("job-000009").start_count(), 0);
}

}  // namespace
}  // namespace semblance::testing
