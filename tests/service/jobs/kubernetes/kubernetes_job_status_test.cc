#include "service/jobs/kubernetes/kubernetes_job_status.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/jobs/job_launcher.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

TEST(KubernetesJobStatusTest, ReadsAJob) {
  ASSERT_OK_AND_ASSIGN(const service::KubernetesJobStatus job, service::ParseJob(R"({"metadata": {
      "uid": "u", "resourceVersion": "7", "labels": {"app.kubernetes.io/managed-by": "semblance-server"},
      "annotations": {"semblance/log-path": "/data/log"}}, "status": {"active": 1}})"));
  EXPECT_EQ(job.uid, "u");
  EXPECT_EQ(job.resource_version, "7");
  EXPECT_TRUE(job.is_ours);
  EXPECT_EQ(job.log_path, "/data/log");
  EXPECT_EQ(job.phase, service::KubernetesJobPhase::kRuns);
}

TEST(KubernetesJobStatusTest, ReadsHowAJobEnded) {
  const auto phase = [](const std::string& conditions) {
    return service::ParseJob(R"({"status": {"conditions": )" + conditions + "}}")->phase;
  };
  EXPECT_EQ(phase(R"([{"type": "Suspended", "status": "False"}, {"type": "Complete", "status": "True"}])"),
            service::KubernetesJobPhase::kComplete);
  EXPECT_EQ(phase(R"([{"type": "FailureTarget", "status": "True"}, {"type": "Failed", "status": "True"}])"),
            service::KubernetesJobPhase::kFailed);
  EXPECT_EQ(phase(R"([{"type": "FailureTarget", "status": "True"}, {"type": "Failed", "status": "False"}])"),
            service::KubernetesJobPhase::kRuns);
}

TEST(KubernetesJobStatusTest, ReadsEvents) {
  using Type = service::KubernetesJobEvent::Type;
  const auto event = [](const std::string& type, const std::string& object) {
    return service::ParseJobEvent(R"({"type": ")" + type + R"(", "object": )" + object + "}");
  };
  EXPECT_EQ(event("ADDED", "{}")->type, Type::kChanged);
  EXPECT_EQ(event("MODIFIED", R"({"metadata": {"uid": "u"}})")->job.uid, "u");
  EXPECT_EQ(event("DELETED", "{}")->type, Type::kDeleted);
  EXPECT_EQ(event("BOOKMARK", R"({"metadata": {"resourceVersion": "9"}})")->job.resource_version, "9");
  EXPECT_EQ(event("ERROR", R"({"kind": "Status", "code": 410})")->error_code, 410);
}

TEST(KubernetesJobStatusTest, RefusesWhatItCannotRead) {
  for (const char* bad : {"", "{", "[]", "7", "null", R"({"status": {"conditions": [7]}})", R"({"metadata": {"uid": 7}})"}) {
    EXPECT_THAT(service::ParseJob(bad), StatusIs(absl::StatusCode::kUnavailable)) << bad;
    EXPECT_THAT(service::ParseJobEvent(bad), StatusIs(absl::StatusCode::kUnavailable)) << bad;
    EXPECT_THAT(service::ParsePods(bad), StatusIs(absl::StatusCode::kUnavailable)) << bad;
  }
}

TEST(KubernetesJobStatusTest, ReadsPodsInTheOrderOfTheirCreation) {
  ASSERT_OK_AND_ASSIGN(const std::vector<service::KubernetesPod> pods, service::ParsePods(R"({"items": [
      {"metadata": {"name": "b", "creationTimestamp": "2024-05-01T10:00:02Z",
                    "annotations": {"batch.kubernetes.io/job-completion-index": "3"}},
       "status": {"containerStatuses": [{"name": "trainer", "state": {"running": {}}}]}},
      {"metadata": {"name": "a", "creationTimestamp": "2024-05-01T10:00:01Z"},
       "status": {"containerStatuses": [
           {"name": "sidecar", "state": {"terminated": {"exitCode": 1}}},
           {"name": "trainer", "state": {"terminated": {"exitCode": 75, "finishedAt": "2024-05-01T10:00:09Z"}}}]}}]})"));
  ASSERT_EQ(pods.size(), 2u);
  EXPECT_EQ(pods[0].name, "a");
  EXPECT_EQ(pods[0].index, 0);
  EXPECT_EQ(pods[0].exit_code, 75);
  EXPECT_EQ(absl::ToUnixSeconds(pods[0].end_time), 1714557609);
  EXPECT_EQ(pods[1].name, "b");
  EXPECT_EQ(pods[1].index, 3);
  EXPECT_TRUE(pods[1].has_started);
  EXPECT_EQ(pods[1].exit_code, std::nullopt);
}

TEST(KubernetesJobStatusTest, TellsWhyAPodWaits) {
  const auto waits_for = [](const std::string& status) {
    return service::ParsePods(R"({"items": [{"metadata": {"name": "a"}, "status": )" + status + "}]}")->at(0).waits_for;
  };
  EXPECT_THAT(
      waits_for(R"({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU"}]})"),
      HasSubstr("Unschedulable no GPU"));
  EXPECT_THAT(waits_for(R"({"containerStatuses": [{"name": "trainer", "state": {"waiting": {"reason": "ErrImagePull"}}}]})"),
              HasSubstr("ErrImagePull"));
  EXPECT_EQ(waits_for(R"({"containerStatuses": [{"name": "trainer", "state": {"waiting": {"reason": "ContainerCreating"}}}]})"),
            "");
  EXPECT_EQ(waits_for("{}"), "");
}

TEST(KubernetesJobStatusTest, TakesTheExitCodeThatTellsMost) {
  const auto code_of = [](const std::vector<int>& codes) {
    std::vector<service::KubernetesPod> pods(1);  // One that runs.
    for (const int code : codes) {
      pods.emplace_back().exit_code = code;
      pods.back().end_time = absl::FromUnixSeconds(static_cast<int64_t>(pods.size()));
    }
    return service::ExitCodeOfFailed(pods);
  };
  EXPECT_EQ(code_of({1, 75}), 75);
  EXPECT_EQ(code_of({75, 1}), 1);
  EXPECT_EQ(code_of({42, 75, 143}), 42);
  EXPECT_EQ(code_of({1, 2, 143}), 2);
  EXPECT_EQ(code_of({75, 143, 137}), 75);
  EXPECT_EQ(code_of({143, 137}), 137);
  EXPECT_EQ(code_of({0}), service::kExitUnknown);
  EXPECT_EQ(code_of({}), service::kExitUnknown);
}

}  // namespace
}  // namespace semblance::testing
