// Training jobs over fakes. Trainers end when a test says so, and the test sets the generations and the clock.
#ifndef SEMBLANCE_TESTS_SERVICE_TRAINING_TRAINING_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_TRAINING_TRAINING_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/json_record.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "service/training/training_jobs.h"
#include "tests/service/generations/fake_generation_controller.h"
#include "tests/service/jobs/fake_job_launcher.h"
#include "tests/service/models/model_fixture.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {

class TrainingFixture : public ::testing::Test {
 protected:
  TrainingFixture() {
    EXPECT_OK(CreateDirectories(data_root() + "/shoes/boot"));
    EXPECT_OK(WriteFileAtomically(data_root() + "/shoes/boot/1.png", "no image is read here"));
    Restart();
  }

  std::string data_root() const { return models_.data_dir() + "/training_data"; }
  std::string JobDir(const std::string& id) const { return absl::StrCat(models_.data_dir(), "/jobs/", id); }

  // Starts a new server. The processes of the cluster keep running.
  void Restart() {
    jobs_.reset();
    service::TrainingJobsOptions options;
    auto root = service::ResolveRoot(data_root(), "the data root");
    ASSERT_OK(root);
    options.data_root = *root;
    options.config.set_max_running(1);
    options.config.set_max_queued(2);
    options.config.set_max_attempts(3);
    options.config.set_trainer_path("/opt/trainer");
    options.has_labeled_items = [this] { return has_labeled_items_; };
    options.retry_delay = absl::ZeroDuration();
    auto store = service::TrainingStore::Open(models_.data_dir());
    ASSERT_OK(store);
    publication_ = std::make_unique<service::TrainingPublication>(&models_.registry(), &generations_, &clock_);
    jobs_ = std::make_unique<service::TrainingJobs>(std::move(options), *std::move(store), &launcher_, publication_.get(), &clock_);
    ASSERT_OK(jobs_->Start());
  }

  static service::TrainingSpec Spec() {
    service::TrainingSpec spec;
    spec.config.set_model_name("shoes");
    spec.config.mutable_data()->set_path("shoes");
    return spec;
  }

  std::string Create(const service::TrainingSpec& spec = Spec()) {
    const auto info = jobs_->Create(spec);
    EXPECT_OK(info);
    return info.ok() ? info->id : "";
  }

  // Waits until the job is in the state, and returns the job. `jobs` is a TrainingJobs or a TrainingTable.
  template <typename Jobs>
  static service::TrainingInfo AwaitIn(Jobs& jobs, const std::string& id, service::TrainingState state) {
    Mutex mutex;
    Condition changed;
    std::optional<service::TrainingInfo> seen;
    const auto token = jobs.AddObserver(id, [&](const std::optional<service::TrainingInfo>& info) {
      MutexLock lock(&mutex);
      seen = info;
      changed.NotifyAll();
    });
    EXPECT_OK(token);
    if (!token.ok()) {
      return {};
    }
    {
      MutexLock lock(&mutex);
      changed.Wait(mutex, {}, [&] { return !seen.has_value() || seen->state == state; });
    }
    jobs.RemoveObserver(*token);
    EXPECT_TRUE(seen.has_value()) << id << " was deleted";
    return seen.value_or(service::TrainingInfo());
  }
  service::TrainingInfo Await(const std::string& id, service::TrainingState state) { return AwaitIn(*jobs_, id, state); }

  // Writes the files that a successful trainer leaves.
  void WriteBundleOf(const std::string& id) { ModelFixture::WriteBundleTo(JobDir(id) + "/model"); }

  void WriteProgress(const std::string& id, int64_t step) {
    storage::v1::TrainerProgress progress;
    progress.set_step(step);
    progress.set_total_steps(100);
    progress.set_error(step == 0 ? "the data is bad" : "");
    EXPECT_OK(CreateDirectories(JobDir(id) + "/model.checkpoints"));
    EXPECT_OK(WriteJsonRecord(JobDir(id) + "/model.checkpoints/progress.json", progress));
  }

  FakeClock clock_;
  ModelFixture models_;
  FakeGenerationController generations_;
  FakeCluster cluster_;
  FakeJobLauncher launcher_{&cluster_};
  bool has_labeled_items_ = true;
  std::unique_ptr<service::TrainingPublication> publication_;
  std::unique_ptr<service::TrainingJobs> jobs_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_TRAINING_TRAINING_FIXTURE_H_
