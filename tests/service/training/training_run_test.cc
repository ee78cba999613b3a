#include "service/training/training_run.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "tests/service/training/training_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using service::DurableQueue;
using service::TrainingState;

// Runs one job on a queue that belongs to the test, so that the test can change the job's state during the run.
class TrainingRunTest : public TrainingFixture {
 protected:
  TrainingRunTest() : store_(*service::TrainingStore::Open(models_.data_dir())), table_(&store_, &clock_) {
    jobs_.reset();
    config_.set_trainer_path("/opt/trainer");
    config_.set_max_attempts(3);
  }
  ~TrainingRunTest() override { queue_.reset(); }

  void Create(service::OnSuccess on_success) {
    storage::v1::JobManifest manifest;
    manifest.set_model_name("shoes");
    manifest.set_on_success(std::string(service::OnSuccessName(on_success)));
    const auto created = store_.Create(manifest, {});
    ASSERT_OK(created);
    id_ = created->id();
    table_.Load(id_);
  }

  void Run() {
    queue_ = std::make_unique<DurableQueue>(DurableQueue::Options{.name = "test", .worker_count = 1, .on_worker_start = {}},
                                            [this](DurableQueue::Task& task) {
                                              service::TrainingRun({.config = &config_,
                                                                    .store = &store_,
                                                                    .table = &table_,
                                                                    .launcher = &launcher_,
                                                                    .publication = publication_.get(),
                                                                    .clock = &clock_,
                                                                    .stop_grace = absl::Seconds(1),
                                                                    .retry_delay = absl::Seconds(5)},
                                                                   &task)
                                                  .Execute();
                                            });
    queue_->Add(id_);
    queue_->Start();
  }

  service::TrainingInfo AwaitState(TrainingState state) { return AwaitIn(table_, id_, state); }

  v1::TrainingJobsConfig config_;
  const service::TrainingStore store_;
  service::TrainingTable table_;
  std::string id_;
  std::unique_ptr<DurableQueue> queue_;
};

TEST_F(TrainingRunTest, TrainsAndPublishes) {
  Create(service::OnSuccess::kRegister);
  Run();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  WriteBundleOf(id_);
  cluster_.End(spec.name, 0);
  EXPECT_EQ(AwaitState(TrainingState::kSucceeded).reason, "registered as shoes/1");
  EXPECT_EQ(store_.ReadRecord(id_)->model(), "shoes/1");
}

TEST_F(TrainingRunTest, PublishesABundleThatIsThereWithoutTraining) {
  Create(service::OnSuccess::kNothing);
  WriteBundleOf(id_);
  Run();
  AwaitState(TrainingState::kSucceeded);
  EXPECT_THAT(cluster_.specs(), IsEmpty());
}

TEST_F(TrainingRunTest, ACancellationEndsTheWaitForTheNextAttempt) {
  Create(service::OnSuccess::kNothing);
  Run();
  cluster_.End(cluster_.AwaitStart(1).name, 137);
  clock_.AwaitWaiting(1);
  ASSERT_OK(table_.Transition(id_, TrainingState::kCancelling, "cancelled"));
  EXPECT_TRUE(queue_->Cancel(id_));
  AwaitState(TrainingState::kCancelled);
  EXPECT_EQ(cluster_.specs().size(), 1u);
}

TEST_F(TrainingRunTest, ACancellationIsCarriedOutEvenWhenTheTrainerSucceedsFirst) {
  Create(service::OnSuccess::kRegister);
  Run();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  AwaitState(TrainingState::kRunning);
  // The state has changed, but the worker does not know that yet.
  ASSERT_OK(table_.Transition(id_, TrainingState::kCancelling, "cancelled"));
  WriteBundleOf(id_);
  cluster_.End(spec.name, 0);
  AwaitState(TrainingState::kCancelled);
  EXPECT_TRUE(models_.registry().List("shoes")->empty());
}

TEST_F(TrainingRunTest, ACancellationStopsTheBuildOfItsModel) {
  Create(service::OnSuccess::kBuild);
  WriteBundleOf(id_);
  generations_.Set(GenerationOf("gen-000007", service::GenerationState::kEmbedding));
  Run();
  generations_.AwaitObservers(1);
  ASSERT_OK(table_.Transition(id_, TrainingState::kCancelling, "cancelled"));
  EXPECT_TRUE(queue_->Cancel(id_));
  AwaitState(TrainingState::kCancelled);
  EXPECT_THAT(generations_.calls(), Contains("cancel gen-000007"));
}

TEST_F(TrainingRunTest, FinishesACancellationOfAnEarlierServer) {
  Create(service::OnSuccess::kNothing);
  ASSERT_OK(table_.Transition(id_, TrainingState::kCancelling, "cancelled"));
  Run();
  AwaitState(TrainingState::kCancelled);
  EXPECT_THAT(cluster_.specs(), IsEmpty());
}

TEST_F(TrainingRunTest, AShutdownLeavesTheTrainerAndTheStateAsTheyAre) {
  Create(service::OnSuccess::kNothing);
  Run();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  AwaitState(TrainingState::kRunning);
  queue_->Shutdown();
  EXPECT_TRUE(cluster_.Runs(spec.name));
  EXPECT_EQ(table_.Find(id_)->state, TrainingState::kRunning);
}

TEST_F(TrainingRunTest, AShutdownInterruptsAPublicationThatTheNextServerResumes) {
  Create(service::OnSuccess::kBuild);
  WriteBundleOf(id_);
  generations_.Set(GenerationOf("gen-000007", service::GenerationState::kEmbedding));
  Run();
  generations_.AwaitObservers(1);
  queue_->Shutdown();
  EXPECT_EQ(table_.Find(id_)->state, TrainingState::kPublishing);
  EXPECT_EQ(store_.ReadRecord(id_)->generation(), "gen-000007");
  generations_.Set(GenerationOf("gen-000007", service::GenerationState::kReady));
  Run();
  EXPECT_EQ(AwaitState(TrainingState::kSucceeded).reason, "gen-000007 is ready");
  EXPECT_THAT(generations_.calls(), ::testing::SizeIs(1));
}

TEST_F(TrainingRunTest, FailsWhenTheBundleOfAPublicationIsGone) {
  Create(service::OnSuccess::kNothing);
  ASSERT_OK(table_.Transition(id_, TrainingState::kPublishing, "it has trained"));
  Run();
  EXPECT_THAT(AwaitState(TrainingState::kFailed).reason, HasSubstr("is publishing and cannot become running"));
}

}  // namespace
}  // namespace semblance::testing
