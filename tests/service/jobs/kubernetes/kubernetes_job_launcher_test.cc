#include "service/jobs/kubernetes/kubernetes_job_launcher.h"

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/jobs/kubernetes/kubernetes_job_manifest.h"
#include "tests/service/jobs/kubernetes/fake_kubernetes.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class KubernetesJobLauncherTest : public ::testing::Test {
 protected:
  KubernetesJobLauncherTest() {
    EXPECT_OK(WriteFileAtomically(dir_.Join("token"), "token-1"));
    options_.image = "semblance:1";
    options_.job_namespace = "training";
    options_.volume_claim = "data";
    options_.mount_path = dir_.path();
    options_.service_account = "trainer";
    options_.ttl_seconds = 60;
    options_.api_server = absl::StrCat("http://127.0.0.1:", server_.port());
    options_.token_path = dir_.Join("token");
    options_.poll_interval = absl::Milliseconds(2);
    spec_.name = "job-1";
    spec_.arguments = {"/bin/trainer"};
    spec_.log_path = dir_.Join("trainer.log");
  }

  std::unique_ptr<service::JobLauncher> Launcher() const {
    auto launcher = service::NewKubernetesJobLauncher(options_);
    EXPECT_OK(launcher);
    return *std::move(launcher);
  }

  std::unique_ptr<service::Job> Start() const {
    auto job = Launcher()->Start(spec_);
    EXPECT_OK(job);
    return job.ok() ? *std::move(job) : nullptr;
  }

  // Starts a job, and returns when its watch has begun.
  std::unique_ptr<service::Job> StartAndWatch() {
    auto job = Start();
    server_.Await("GET", "?watch");
    return job;
  }

  static int Await(service::Job& job) { return job.Wait(absl::InfiniteDuration()).value_or(-2); }

  // Returns a pod of job-1 whose container is in this state.
  static Json Pod(const std::string& name, const Json& state) {
    return {{"metadata", {{"name", name}, {"labels", {{"job-name", "job-1"}}}}},
            {"status", {{"containerStatuses", Json::array({{{"name", "trainer"}, {"state", state}}})}}}};
  }
  static Json Terminated(int exit_code) {
    return {{"terminated", {{"exitCode", exit_code}, {"finishedAt", "2024-05-01T10:00:00Z"}}}};
  }

  // Waits until the job's log has this content. REQUIRES: the job is watched and does not end.
  void AwaitLog(const std::string& content) {
    // The launcher reads the logs of pods after each watch. It may just have read them, so one more watch may not suffice.
    for (int watches = server_.watches(); ReadFile(spec_.log_path).value_or("") != content; watches = server_.watches()) {
      server_.EndWatches();
      server_.Await("GET", "?watch", watches + 1);
    }
  }

  int CountRequests(const std::string& method, const std::string& path) const {
    int count = 0;
    for (const FakeKubernetes::Request& request : server_.requests()) {
      count += request.method == method && request.path == path ? 1 : 0;
    }
    return count;
  }

  const TempDir dir_;
  FakeKubernetes server_;
  service::KubernetesOptions options_;
  service::JobSpec spec_;
};

TEST_F(KubernetesJobLauncherTest, CreatesTheJobAndWaitsForIt) {
  const auto job = StartAndWatch();
  EXPECT_TRUE(Launcher()->LaunchesReplicas());
  EXPECT_EQ(server_.job("job-1")["spec"]["template"]["spec"]["containers"][0]["command"], Json::array({"/bin/trainer"}));
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), std::nullopt);
  server_.Finish("job-1", "Complete");
  EXPECT_EQ(Await(*job), 0);
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), 0);
}

TEST_F(KubernetesJobLauncherTest, WatchesFromTheVersionThatItSaw) {
  const auto job = StartAndWatch();
  const std::string version = server_.job("job-1")["metadata"]["resourceVersion"];
  for (const FakeKubernetes::Request& request : server_.requests()) {
    if (request.parameters.count("watch") > 0) {
      EXPECT_EQ(request.parameters.find("resourceVersion")->second, version);
      EXPECT_EQ(request.parameters.find("fieldSelector")->second, "metadata.name=job-1");
    }
  }
}

TEST_F(KubernetesJobLauncherTest, TellsTheExitCodeOfAFailedPod) {
  const auto job = StartAndWatch();
  server_.PutPod(Pod("job-1-a", Terminated(42)));
  server_.Finish("job-1", "Failed");
  EXPECT_EQ(Await(*job), 42);
}

TEST_F(KubernetesJobLauncherTest, SeesAFailureWithoutAPod) {
  const auto job = StartAndWatch();
  server_.Finish("job-1", "Failed");
  EXPECT_EQ(Await(*job), service::kExitUnknown);
}

TEST_F(KubernetesJobLauncherTest, AsksAgainForPodsThatItCouldNotSee) {
  const auto job = StartAndWatch();
  server_.PutPod(Pod("job-1-a", Terminated(75)));
  server_.FailNext("/pods", 500, 3);
  server_.Finish("job-1", "Failed");
  EXPECT_EQ(Await(*job), 75);
}

TEST_F(KubernetesJobLauncherTest, TakesAJobThatIsThereAsStarted) {
  // The job is created, but the answer to the first attempt is lost.
  server_.FailNext("/jobs", 0);
  EXPECT_THAT(Launcher()->Start(spec_), StatusIs(absl::StatusCode::kUnavailable));
  const std::string uid = server_.job("job-1")["metadata"]["uid"];
  const auto job = StartAndWatch();
  EXPECT_EQ(server_.job("job-1")["metadata"]["uid"], uid);
  server_.Finish("job-1", "Complete");
  EXPECT_EQ(Await(*job), 0);
}

TEST_F(KubernetesJobLauncherTest, LeavesAJobOfOthersAlone) {
  server_.PutJob({{"metadata", {{"name", "job-1"}}}});
  EXPECT_THAT(Launcher()->Start(spec_), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Launcher()->Start(spec_), StatusMessage(HasSubstr("not managed by semblance-server")));
  EXPECT_THAT(Launcher()->Attach("job-1"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(KubernetesJobLauncherTest, SaysWhyAJobCannotStart) {
  server_.FailNext("/jobs", 403);
  EXPECT_THAT(Launcher()->Start(spec_), StatusIs(absl::StatusCode::kPermissionDenied));
  server_.FailNext("/jobs", 500);
  EXPECT_THAT(Launcher()->Start(spec_), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_OK(Launcher()->Start(spec_));
  for (const char* bad : {"", "1-job", "-job", "job-", "Job", "job.1", "a/b"}) {
    spec_.name = bad;
    EXPECT_THAT(Launcher()->Start(spec_), StatusIs(absl::StatusCode::kInvalidArgument)) << bad;
  }
}

TEST_F(KubernetesJobLauncherTest, UsesANewToken) {
  const auto job = StartAndWatch();
  server_.SetToken("token-2");
  server_.EndWatches();
  // For a while the launcher uses the old token, and is refused.
  server_.Await("GET", "/pods");
  ASSERT_OK(WriteFileAtomically(dir_.Join("token"), "token-2"));
  server_.Finish("job-1", "Complete");
  EXPECT_EQ(Await(*job), 0);
}

TEST_F(KubernetesJobLauncherTest, GoesOnAfterALostWatch) {
  const auto job = StartAndWatch();
  server_.DropWatches();
  server_.Await("GET", "/jobs/job-1");
  server_.Await("GET", "?watch", 2);
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), std::nullopt);
  server_.FailNext("/jobs", 500, 3);
  server_.DropWatches();
  server_.Finish("job-1", "Complete");
  EXPECT_EQ(Await(*job), 0);
}

TEST_F(KubernetesJobLauncherTest, GoesOnWhereAWatchEnds) {
  const auto job = StartAndWatch();
  server_.EndWatches();
  server_.Await("GET", "?watch", 2);
  server_.Finish("job-1", "Complete");
  EXPECT_EQ(Await(*job), 0);
  EXPECT_EQ(CountRequests("GET", "/apis/batch/v1/namespaces/training/jobs/job-1"), 0);
}

TEST_F(KubernetesJobLauncherTest, ReadsTheJobAgainWhenItsVersionIsGone) {
  for (const auto how : {FakeKubernetes::Gone::kHttpStatus, FakeKubernetes::Gone::kEvent}) {
    const auto job = StartAndWatch();
    server_.ForgetVersions(how);
    server_.EndWatches();
    server_.Await("GET", "/jobs/job-1");
    server_.Finish("job-1", "Complete");
    EXPECT_EQ(Await(*job), 0);
    server_.RemoveJob("job-1");
  }
}

TEST_F(KubernetesJobLauncherTest, CountsAJobThatOthersDeletedAsStopped) {
  auto job = StartAndWatch();
  server_.RemoveJob("job-1");
  EXPECT_EQ(Await(*job), 143);
  // The watch does not report this replacement.
  job = Start();
  server_.Await("GET", "?watch", 2);
  server_.ReplaceJob("job-1");
  server_.DropWatches();
  EXPECT_EQ(Await(*job), 143);
}

TEST_F(KubernetesJobLauncherTest, Stops) {
  const auto job = StartAndWatch();
  job->Stop(absl::Seconds(20));
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), 143);
  for (const FakeKubernetes::Request& request : server_.requests()) {
    if (request.method == "DELETE") {
      EXPECT_EQ(request.path, "/apis/batch/v1/namespaces/training/jobs/job-1");
      EXPECT_EQ(Json::parse(request.body)["gracePeriodSeconds"], 20);
    }
  }
  job->Stop(absl::Seconds(20));  // Of one that has ended: nothing.
  EXPECT_EQ(CountRequests("DELETE", "/apis/batch/v1/namespaces/training/jobs/job-1"), 1);
}

TEST_F(KubernetesJobLauncherTest, StopsInSpiteOfAnOutage) {
  const auto job = StartAndWatch();
  server_.FailNext("/jobs/job-1", 503, 2);
  job->Stop(absl::Seconds(20));
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), 143);
}

TEST_F(KubernetesJobLauncherTest, ReturnsFromStopWithoutTheRightToDelete) {
  const auto job = StartAndWatch();
  server_.FailNext("/jobs/job-1", 403);
  job->Stop(absl::Seconds(20));
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), std::nullopt);
}

TEST_F(KubernetesJobLauncherTest, AttachesByName) {
  EXPECT_THAT(Launcher()->Attach("job-1"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Launcher()->Attach("../pods"), StatusIs(absl::StatusCode::kNotFound));
  StartAndWatch().reset();
  server_.FailNext("/jobs/job-1", 500);
  EXPECT_THAT(Launcher()->Attach("job-1"), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK_AND_ASSIGN(const auto job, Launcher()->Attach("job-1"));
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), std::nullopt);
  server_.PutPod(Pod("job-1-a", Terminated(75)));
  server_.Finish("job-1", "Failed");
  EXPECT_EQ(Await(*job), 75);
  // A job that has ended can still be attached to, and says how it ended.
  ASSERT_OK_AND_ASSIGN(const auto ended, Launcher()->Attach("job-1"));
  EXPECT_EQ(Await(*ended), 75);
}

TEST_F(KubernetesJobLauncherTest, IsOwnedByTheDeploymentAsItIsNow) {
  options_.owner_deployment = "semblance";
  EXPECT_THAT(Launcher()->Start(spec_), StatusIs(absl::StatusCode::kNotFound));
  server_.PutDeployment("semblance", "uid-of-deployment");
  const auto job = Start();
  EXPECT_EQ(server_.job("job-1")["metadata"]["ownerReferences"][0]["uid"], "uid-of-deployment");
}

TEST_F(KubernetesJobLauncherTest, ConnectsReplicas) {
  spec_.replicas = 2;
  const auto job = Start();
  EXPECT_EQ(server_.job("job-1")["spec"]["parallelism"], 2);
  EXPECT_EQ(server_.service("job-1")["metadata"]["ownerReferences"][0]["uid"], server_.job("job-1")["metadata"]["uid"]);
  EXPECT_OK(Launcher()->Start(spec_));  // Both are there.
}

TEST_F(KubernetesJobLauncherTest, LeavesNoReplicasThatCannotMeet) {
  spec_.replicas = 2;
  server_.FailNext("/services", 403);
  EXPECT_THAT(Launcher()->Start(spec_), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Launcher()->Attach("job-1"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(KubernetesJobLauncherTest, CopiesLogs) {
  const auto job = StartAndWatch();
  server_.PutPod(Pod("job-1-a", {{"running", Json::object()}}));
  server_.SetLog("job-1-a", "2024-05-01T10:00:00.100000000Z one\n2024-05-01T10:00:00.200000000Z two words\n");
  AwaitLog("one\ntwo words\n");
  // The log is read again from the second of its last line. Its known lines must not appear twice.
  server_.SetLog("job-1-a",
                 "2024-05-01T10:00:00.100000000Z one\n2024-05-01T10:00:00.200000000Z two words\n"
                 "2024-05-01T10:00:00.300000000Z three\n");
  AwaitLog("one\ntwo words\nthree\n");
  // The last output of a pod is in the log as soon as its end is known. Another pod follows.
  server_.PutPod(Pod("job-1-a", Terminated(1)));
  server_.PutPod(Pod("job-1-b", Terminated(0)));
  server_.SetLog("job-1-b", "2024-05-01T10:00:01Z four\n");
  server_.Finish("job-1", "Complete");
  EXPECT_EQ(Await(*job), 0);
  EXPECT_EQ(*ReadFile(spec_.log_path), "one\ntwo words\nthree\nfour\n");
}

TEST_F(KubernetesJobLauncherTest, GoesOnWithLogsWhenItAttaches) {
  auto job = StartAndWatch();
  server_.PutPod(Pod("job-1-a", {{"running", Json::object()}}));
  server_.SetLog("job-1-a", "2024-05-01T10:00:00.1Z one\n");
  AwaitLog("one\n");
  job.reset();
  server_.SetLog("job-1-a", "2024-05-01T10:00:00.1Z one\n2024-05-01T10:00:00.2Z two\n");
  ASSERT_OK_AND_ASSIGN(job, Launcher()->Attach("job-1"));
  AwaitLog("one\ntwo\n");
}

TEST_F(KubernetesJobLauncherTest, WritesNoLogOutsideOfTheVolume) {
  const TempDir elsewhere;
  for (const std::string& path : {elsewhere.Join("log"), dir_.Join("../") + elsewhere.Join("log").substr(5)}) {
    Json job = Json::parse(service::RenderJob(spec_, options_, std::nullopt));
    job["metadata"]["annotations"]["semblance/log-path"] = path;
    server_.PutJob(job);
    server_.PutPod(Pod("job-1-a", Terminated(0)));
    server_.SetLog("job-1-a", "2024-05-01T10:00:00.1Z one\n");
    server_.Finish("job-1", "Complete");
    ASSERT_OK_AND_ASSIGN(const auto attached, Launcher()->Attach("job-1"));
    EXPECT_EQ(Await(*attached), 0);
    EXPECT_FALSE(PathExists(elsewhere.Join("log")));
  }
}

TEST_F(KubernetesJobLauncherTest, TellsWhyAPodWaitsAndWhichReplicaSpeaks) {
  const auto job = StartAndWatch();
  server_.PutPod(Pod("job-1-a", {{"waiting", {{"reason", "ErrImagePull"}, {"message", "no such image"}}}}));
  AwaitLog("The pod job-1-a waits: ErrImagePull no such image\n");
  Json pod = Pod("job-1-a", {{"running", Json::object()}});
  pod["metadata"]["annotations"] = {{"batch.kubernetes.io/job-completion-index", "1"}};
  server_.SetLog("job-1-a", "2024-05-01T10:00:00.1Z hello\n");
  server_.PutPod(pod);
  AwaitLog("The pod job-1-a waits: ErrImagePull no such image\n[rank 1] hello\n");
}

TEST_F(KubernetesJobLauncherTest, RefusesOptionsThatMakeNoSense) {
  const auto refuse = [&](std::string service::KubernetesOptions::*field, const std::string& value) {
    service::KubernetesOptions options = options_;
    options.*field = value;
    EXPECT_THAT(service::NewKubernetesJobLauncher(options), StatusIs(absl::StatusCode::kInvalidArgument)) << value;
  };
  refuse(&service::KubernetesOptions::image, "");
  refuse(&service::KubernetesOptions::image, "a b");
  refuse(&service::KubernetesOptions::job_namespace, "a/b");
  refuse(&service::KubernetesOptions::volume_claim, "");
  refuse(&service::KubernetesOptions::mount_path, "data");
  refuse(&service::KubernetesOptions::mount_path, "/");
  refuse(&service::KubernetesOptions::service_account, "A");
  refuse(&service::KubernetesOptions::owner_deployment, "a..b");
  refuse(&service::KubernetesOptions::api_server, "http://10.0.0.1");
}

TEST_F(KubernetesJobLauncherTest, NeedsANamespaceOutsideOfAPod) {
  options_.job_namespace = "";
  EXPECT_THAT(service::NewKubernetesJobLauncher(options_), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace semblance::testing
