// A server with labeled items, and training jobs on it.
#ifndef SEMBLANCE_TESTS_INTEGRATION_JOB_FIXTURE_H_
#define SEMBLANCE_TESTS_INTEGRATION_JOB_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gtest/gtest.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "semblance/v1/training_service.grpc.pb.h"
#include "tests/integration/server_process.h"
#include "tests/integration/small_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

inline constexpr int kClasses = 8;
inline constexpr int kEach = 30;

inline std::string ItemId(int label, int variant) {
  return absl::StrCat("item-", label, "-", variant);
}

// Starts a server on which an untrained model answers. The catalog has kEach items of each of kClasses classes.
class JobFixture : public ::testing::Test {
 protected:
  JobFixture() {
    WritePatternFolder(dir_.Join("folder"), kClasses, 4, 2);
    TrainSmallModel(dir_.Join("folder"), dir_.Join("untrained"), /*epochs=*/0);
    Start(dir_.Join("untrained"));
    Upsert();
  }
  // Trainers outlive the server, so the destructor stops them.
  ~JobFixture() override {
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
    request.set_from_catalog(true);
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

  // Follows a job until `enough` returns true or the stream ends. Returns the last message.
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

  // Returns all processes of trainers in ascending order. With several ranks, the process that started them is one of them.
  std::vector<pid_t> TrainerProcesses() const {
    std::vector<pid_t> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);
      const std::string command((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      const int pid = std::atoi(entry.path().filename().c_str());
      if (pid > 0 && absl::StrContains(command, data_dir() + "/jobs/")) {
        pids.push_back(pid);
      }
    }
    std::sort(pids.begin(), pids.end());
    return pids;
  }

  // Returns the leaders of the trainers' process groups.
  std::vector<pid_t> TrainerPids() const {
    std::vector<pid_t> pids = TrainerProcesses();
    pids.erase(std::remove_if(pids.begin(), pids.end(), [](pid_t pid) { return ::getpgid(pid) != pid; }), pids.end());
    return pids;
  }

  // Expects that the two registered models have one space, so that their weights are the same bit by bit.
  void ExpectOneSpaceTwice() const {
    const auto models = ReadFile(data_dir() + "/models.json");
    ASSERT_OK(models);
    const size_t first = models->find("sha256:");
    ASSERT_NE(first, std::string::npos) << *models;
    const std::string space = models->substr(first, 7 + 64);
    EXPECT_NE(models->find(space, first + 1), std::string::npos) << *models;
  }

  // Returns the share of items whose nearest other item has their label.
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

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_JOB_FIXTURE_H_
