#include "service/training/training_publication.h"

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "service/training/training_info.h"
#include "tests/service/generations/fake_generation_controller.h"
#include "tests/service/models/model_fixture.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using service::GenerationState;
using service::OnSuccess;
using storage::v1::JobRecord;

class TrainingPublicationTest : public ::testing::Test {
 protected:
  TrainingPublicationTest() {
    manifest_.set_id("job-000001");
    manifest_.set_model_name("shoes");
    ModelFixture::WriteBundleTo(bundle_dir());
  }

  std::string bundle_dir() const { return models_.data_dir() + "/jobs/job-000001/model"; }

  absl::StatusOr<std::string> Publish(OnSuccess on_success) {
    manifest_.set_on_success(std::string(service::OnSuccessName(on_success)));
    return publication_.Publish(manifest_, bundle_dir(), record_,
                                {.write =
                                     [this](const JobRecord& record) {
                                       written_.push_back(record);
                                       return write_status_;
                                     },
                                 .report = [](const std::string&) {},
                                 .stop = &stop_});
  }

  std::future<absl::StatusOr<std::string>> PublishAside(OnSuccess on_success) {
    return std::async(std::launch::async, [this, on_success] { return Publish(on_success); });
  }

  ModelFixture models_;
  FakeGenerationController generations_;
  FakeClock clock_;
  const service::TrainingPublication publication_{&models_.registry(), &generations_, &clock_};
  storage::v1::JobManifest manifest_;
  JobRecord record_;
  service::TaskStopSource stop_source_;
  const service::TaskStop stop_ = stop_source_.stop();
  absl::Status write_status_;
  std::vector<JobRecord> written_;
};

TEST_F(TrainingPublicationTest, LeavesTheBundleWhereItIsWhenNothingIsAskedFor) {
  EXPECT_THAT(*Publish(OnSuccess::kNothing), HasSubstr("job's directory"));
  EXPECT_TRUE(models_.registry().List("shoes")->empty());
  EXPECT_THAT(written_, IsEmpty());
}

TEST_F(TrainingPublicationTest, RegistersTheNextVersionAndNamesItBeforeItCopies) {
  models_.Register("shoes/3", 2);
  EXPECT_EQ(*Publish(OnSuccess::kRegister), "registered as shoes/4");
  ASSERT_EQ(written_.size(), 1u);
  EXPECT_EQ(written_[0].model(), "shoes/4");
  EXPECT_OK(models_.registry().Find("shoes/4"));
}

TEST_F(TrainingPublicationTest, CopiesNothingWhenTheNameCannotBeRecorded) {
  write_status_ = absl::UnavailableError("the disk is full");
  EXPECT_EQ(Publish(OnSuccess::kRegister).status(), write_status_);
  EXPECT_FALSE(PathExists(models_.Join("shoes/1")));
}

TEST_F(TrainingPublicationTest, ResumesACopyThatWasInterruptedUnderTheSameName) {
  ASSERT_OK(Publish(OnSuccess::kRegister));
  EXPECT_EQ(*Publish(OnSuccess::kRegister), "registered as shoes/1");
  EXPECT_EQ(written_.size(), 1u);
  EXPECT_EQ(models_.registry().List("shoes")->size(), 1u);
}

TEST_F(TrainingPublicationTest, BuildsAGenerationAndWaitsUntilItIsReady) {
  generations_.Set(GenerationOf("gen-000007", GenerationState::kEmbedding));
  auto outcome = PublishAside(OnSuccess::kBuild);
  generations_.AwaitObservers(1);
  generations_.Set(GenerationOf("gen-000007", GenerationState::kIndexing));
  generations_.Set(GenerationOf("gen-000007", GenerationState::kReady));
  EXPECT_EQ(*outcome.get(), "gen-000007 is ready");
  EXPECT_EQ(record_.generation(), "gen-000007");
  EXPECT_EQ(generations_.last_spec().request_id, "training/job-000001/shoes/1/0");
  EXPECT_EQ(generations_.last_spec().policy, service::ActivationPolicy::kManual);
  generations_.AwaitObservers(0);
}

TEST_F(TrainingPublicationTest, AsksForAnActivationWithItsTolerance) {
  manifest_.set_recall_tolerance(0.25);
  generations_.Set(GenerationOf("gen-000007", GenerationState::kActive));
  EXPECT_EQ(*Publish(OnSuccess::kActivateIfBetter), "gen-000007 is active");
  EXPECT_EQ(generations_.last_spec().policy, service::ActivationPolicy::kIfBetter);
  EXPECT_EQ(generations_.last_spec().recall_tolerance, 0.25);
}

TEST_F(TrainingPublicationTest, FailsWithTheReasonOfTheGeneration) {
  service::GenerationInfo failed = GenerationOf("gen-000007", GenerationState::kFailed);
  failed.reason = "a gate failed";
  generations_.Set(failed);
  EXPECT_EQ(Publish(OnSuccess::kBuild).status(), absl::FailedPreconditionError("gen-000007 is failed: a gate failed"));
}

TEST_F(TrainingPublicationTest, FailsWhenTheGenerationIsDeletedMeanwhile) {
  generations_.Set(GenerationOf("gen-000007", GenerationState::kEmbedding));
  auto outcome = PublishAside(OnSuccess::kBuild);
  generations_.AwaitObservers(1);
  generations_.Remove("gen-000007");
  EXPECT_EQ(outcome.get().status(), absl::FailedPreconditionError("gen-000007 was deleted"));
}

TEST_F(TrainingPublicationTest, WaitsForAnotherBuildAndAsksAgain) {
  generations_.Set(GenerationOf("gen-000007", GenerationState::kReady));
  generations_.FailWith(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUILD_RUNNING, "another one is built"));
  auto outcome = PublishAside(OnSuccess::kBuild);
  clock_.AwaitWaiting(1);
  generations_.FailWith(absl::OkStatus());
  clock_.AdvanceToNext();
  EXPECT_EQ(*outcome.get(), "gen-000007 is ready");
}

TEST_F(TrainingPublicationTest, AStopEndsBothWaits) {
  generations_.FailWith(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUILD_RUNNING, "another one is built"));
  auto build = PublishAside(OnSuccess::kBuild);
  clock_.AwaitWaiting(1);
  stop_source_.ShutDown();
  EXPECT_EQ(build.get().status().code(), absl::StatusCode::kCancelled);
  generations_.FailWith(absl::OkStatus());
  generations_.Set(GenerationOf("gen-000007", GenerationState::kEmbedding));
  EXPECT_EQ(Publish(OnSuccess::kBuild).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(TrainingPublicationTest, CancelsTheGenerationOfTheRecord) {
  publication_.Cancel(record_);
  EXPECT_THAT(generations_.calls(), IsEmpty());
  record_.set_generation("gen-000007");
  publication_.Cancel(record_);
  EXPECT_THAT(generations_.calls(), ElementsAre("cancel gen-000007"));
}

}  // namespace
}  // namespace semblance::testing
