// Training as a job of the service, through the programs: from labels in the catalogue to a better model that answers.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "semblance/v1/training_service.grpc.pb.h"
#include "tests/integration/generation_client.h"
#include "tests/integration/rich_error.h"
#include "tests/integration/server_process.h"
#include "tests/integration/small_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kClasses = 8;
constexpr int kEach = 30;

std::string ItemId(int label, int variant) {
  return absl::StrCat("item-", label, "-", variant);
}

class JobsTest : public ::testing::Test {
 protected:
  JobsTest() {
    WritePatternFolder(dir_.Join("folder"), kClasses, 4, 2);
    TrainSmallModel(dir_.Join("folder"), dir_.Join("untrained"), /*epochs=*/0);
    Start(dir_.Join("untrained"));
    Upsert();
  }
  // Trainers outlive the server.
  ~JobsTest() override {
    for (const pid_t pid : TrainerPids()) {
      ::kill(-pid, SIGKILL);
    }
  }

  void Start(const std::string& model = "") {
    server_ = std::make_unique<ServerProcess>(data_dir(), model);
    ASSERT_TRUE(server_->WaitUntilServing());
    jobs_ = v1::TrainingService::NewStub(server_->channel());
    search_ = v1::SearchService::NewStub(server_->channel());
  }
  void KillServer() {
    server_->process().Signal(SIGKILL);
    server_->process().Wait();
  }

  void Upsert() {
    const auto catalog = v1::CatalogService::NewStub(server_->channel());
    for (int label = 0; label < kClasses; ++label) {
      v1::UpsertItemsRequest request;
      for (int variant = 0; variant < kEach; ++variant) {
        auto* item = request.add_items();
        item->set_id(ItemId(label, variant));
        item->set_image(PatternImage(label, variant));
        item->set_label(absl::StrCat("class-", label));
      }
      grpc::ClientContext context;
      v1::UpsertItemsResponse response;
      const grpc::Status status = catalog->UpsertItems(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
  }

  static v1::CreateTrainingJobRequest Request(int epochs, v1::OnSuccess on_success) {
    v1::CreateTrainingJobRequest request;
    v1::TrainingConfig& config = *request.mutable_config();
    config.set_model_name("patterns");
    config.mutable_data()->set_hold_out(v1::DataConfig::HOLD_OUT_ITEMS);
    config.mutable_data()->set_hold_out_fraction(0.3);
    config.mutable_model()->set_input_side(24);
    config.mutable_model()->set_input_channels(1);
    config.mutable_model()->set_dimension(8);
    config.mutable_model()->add_convnet_channels(8);
    config.mutable_model()->add_convnet_channels(16);
    config.mutable_model()->set_convnet_convolutions_per_stage(1);
    config.set_batch_size(32);
    config.set_epochs(epochs);
    config.set_evaluate_every_epochs(0);
    config.set_compute_threads(1);
    config.set_loader_threads(1);
    request.set_from_catalogue(true);
    request.set_on_success(on_success);
    return request;
  }

  std::string Create(const v1::CreateTrainingJobRequest& request) {
    grpc::ClientContext context;
    v1::CreateTrainingJobResponse response;
    const grpc::Status status = jobs_->CreateTrainingJob(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.job().id();
  }

  // Follows a job until `enough` says so or the stream ends; the job then.
  v1::TrainingJob WatchUntil(const std::string& id, const std::function<bool(const v1::TrainingJob&)>& enough) {
    grpc::ClientContext context;
    v1::WatchTrainingJobRequest request;
    request.set_job(id);
    const auto stream = jobs_->WatchTrainingJob(&context, request);
    v1::WatchTrainingJobResponse response;
    v1::TrainingJob job;
    while (stream->Read(&response)) {
      job = response.job();
      log_lines_.insert(log_lines_.end(), response.log_lines().begin(), response.log_lines().end());
      if (enough(job)) {
        context.TryCancel();
        break;
      }
    }
    return job;
  }
  v1::TrainingJob WatchToTheEnd(const std::string& id) {
    return WatchUntil(id, [](const v1::TrainingJob&) { return false; });
  }
  static bool HasTrained(const v1::TrainingJob& job) {
    return job.state() == v1::TRAINING_JOB_STATE_RUNNING && job.progress().step() > 0;
  }

  // The leaders of the groups that trainers are.
  std::vector<pid_t> TrainerPids() const {
    std::vector<pid_t> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);
      const std::string command((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      const int pid = std::atoi(entry.path().filename().c_str());
      if (pid > 0 && absl::StrContains(command, data_dir() + "/jobs/") && ::getpgid(pid) == pid) {
        pids.push_back(pid);
      }
    }
    return pids;
  }

  // Of every item that its neighbour is asked for, the share whose nearest other item has its label.
  double Recall() {
    int hits = 0;
    int queries = 0;
    for (int label = 0; label < kClasses; ++label) {
      for (int variant = 0; variant < kEach; variant += 3) {
        grpc::ClientContext context;
        v1::SearchRequest request;
        request.mutable_query()->set_item_id(ItemId(label, variant));
        request.set_top_k(1);
        v1::SearchResponse response;
        EXPECT_TRUE(search_->Search(&context, request, &response).ok());
        hits += response.result().neighbors_size() > 0 && response.result().neighbors(0).label() == absl::StrCat("class-", label)
                    ? 1
                    : 0;
        ++queries;
      }
    }
    return static_cast<double>(hits) / queries;
  }

  std::string data_dir() const { return dir_.Join("data"); }

  const TempDir dir_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<v1::TrainingService::Stub> jobs_;
  std::unique_ptr<v1::SearchService::Stub> search_;
  std::vector<std::string> log_lines_;
};

// Searches without a pause, and counts those that fail.
class Searches {
 public:
  explicit Searches(const std::shared_ptr<grpc::Channel>& channel)
      : thread_([this, stub = v1::SearchService::NewStub(channel)] {
          while (!stop_) {
            grpc::ClientContext context;
            v1::SearchRequest request;
            request.mutable_query()->set_image(PatternImage(count_ % kClasses, count_));
            request.set_top_k(3);
            v1::SearchResponse response;
            failed_ += stub->Search(&context, request, &response).ok() ? 0 : 1;
            ++count_;
          }
        }) {}
  ~Searches() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  int count() const { return count_; }
  int failed() const { return failed_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> count_ = 0;
  std::atomic<int> failed_ = 0;
  std::thread thread_;
};

TEST_F(JobsTest, LabelsOfTheCatalogueBecomeABetterModelThatAnswersAndAWorseOneDoesNot) {
  const GenerationClient generations(server_->channel());
  const double before = Recall();
  Searches searches(server_->channel());
  const std::string id = Create(Request(/*epochs=*/30, v1::ON_SUCCESS_ACTIVATE_IF_BETTER));
  bool has_progress = false;
  const v1::TrainingJob job = WatchUntil(id, [&](const v1::TrainingJob& seen) {
    has_progress = has_progress || HasTrained(seen);
    return false;
  });
  ASSERT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_TRUE(has_progress);
  EXPECT_EQ(job.model(), "patterns/1");
  EXPECT_FALSE(log_lines_.empty());
  EXPECT_EQ(generations.List().active(), job.generation()) << job.state_reason();
  const v1::Generation generation = generations.Get(job.generation());
  EXPECT_GE(generation.evaluation().label_query_count(), 20);
  EXPECT_LT(generation.evaluation().label_query_count(), kClasses * kEach / 2);
  EXPECT_GT(Recall(), before);

  // An untrained one is worse.
  v1::CreateTrainingJobRequest request = Request(/*epochs=*/0, v1::ON_SUCCESS_ACTIVATE_IF_BETTER);
  request.mutable_config()->set_seed(7);
  const v1::TrainingJob worse = WatchToTheEnd(Create(request));
  EXPECT_EQ(worse.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << worse.state_reason();
  EXPECT_THAT(worse.state_reason(), HasSubstr("not activated: its recall@1"));
  EXPECT_EQ(generations.List().active(), job.generation());
  searches.Stop();
  EXPECT_EQ(searches.failed(), 0) << "of " << searches.count();
}

TEST_F(JobsTest, ATrainerOutlivesTheServerAndAKilledOneGoesOnToTheSameWeights) {
  v1::CreateTrainingJobRequest request = Request(/*epochs=*/60, v1::ON_SUCCESS_REGISTER);
  request.mutable_config()->mutable_checkpoint()->set_every_steps(20);
  const v1::TrainingJob plain = WatchToTheEnd(Create(request));
  ASSERT_EQ(plain.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << plain.state_reason();

  const std::string id = Create(request);
  WatchUntil(id, HasTrained);
  std::vector<pid_t> trainers = TrainerPids();
  ASSERT_EQ(trainers.size(), 1u);
  KillServer();
  Start();
  EXPECT_EQ(TrainerPids(), trainers);
  WatchUntil(id, [](const v1::TrainingJob& job) { return job.progress().step() > 40; });
  ::kill(trainers[0], SIGKILL);
  const v1::TrainingJob job = WatchToTheEnd(id);
  ASSERT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();

  const auto models = ReadFile(data_dir() + "/models.json");
  ASSERT_OK(models);
  // One space, registered twice: the weights are the same bit by bit.
  const size_t first = models->find("sha256:");
  const std::string space = models->substr(first, 7 + 64);
  EXPECT_NE(models->find(space, first + 1), std::string::npos) << *models;
}

TEST_F(JobsTest, CancelKeepsACheckpointThatResumeGoesOnFrom) {
  const std::string id = Create(Request(/*epochs=*/100, v1::ON_SUCCESS_NOTHING));
  WatchUntil(id, HasTrained);
  const absl::Time start = absl::Now();
  {
    grpc::ClientContext context;
    v1::CancelTrainingJobRequest request;
    request.set_job(id);
    v1::CancelTrainingJobResponse response;
    ASSERT_TRUE(jobs_->CancelTrainingJob(&context, request, &response).ok());
  }
  EXPECT_EQ(WatchToTheEnd(id).state(), v1::TRAINING_JOB_STATE_CANCELLED);
  EXPECT_LT(absl::Now() - start, absl::Seconds(30));
  EXPECT_TRUE(TrainerPids().empty());
  {
    grpc::ClientContext context;
    v1::ResumeTrainingJobRequest request;
    request.set_job(id);
    v1::ResumeTrainingJobResponse response;
    ASSERT_TRUE(jobs_->ResumeTrainingJob(&context, request, &response).ok());
  }
  log_lines_.clear();
  const v1::TrainingJob job = WatchToTheEnd(id);
  EXPECT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_THAT(log_lines_, ::testing::Contains(HasSubstr("goes on after step")));
}

TEST_F(JobsTest, TwoRanksTrainTogetherWithProgress) {
  v1::CreateTrainingJobRequest request = Request(/*epochs=*/5, v1::ON_SUCCESS_REGISTER);
  request.set_replicas(2);
  const v1::TrainingJob job = WatchToTheEnd(Create(request));
  EXPECT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_GT(job.progress().step(), 0);
  EXPECT_EQ(job.progress().step(), job.progress().total_steps());
}

TEST_F(JobsTest, BadDataFailsTheJobWithTheTrainersWords) {
  ASSERT_OK(CreateDirectories(data_dir() + "/training_data/empty"));
  v1::CreateTrainingJobRequest request = Request(/*epochs=*/1, v1::ON_SUCCESS_NOTHING);
  request.set_from_catalogue(false);
  request.mutable_config()->mutable_data()->set_path("empty");
  const v1::TrainingJob job = WatchToTheEnd(Create(request));
  EXPECT_EQ(job.state(), v1::TRAINING_JOB_STATE_FAILED);
  EXPECT_THAT(job.state_reason(), HasSubstr("42"));
}

}  // namespace
}  // namespace semblance::testing
