#include "service/jobs/kubernetes/kubernetes_pod_logs.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gtest/gtest.h"
#include "service/jobs/kubernetes/kubernetes_client.h"
#include "tests/service/jobs/kubernetes/fake_kubernetes.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

class KubernetesPodLogsTest : public ::testing::Test {
 protected:
  KubernetesPodLogsTest() {
    EXPECT_OK(WriteFileAtomically(dir_.Join("token"), "token-1"));
    service::KubernetesClientOptions options;
    options.api_server = absl::StrCat("http://127.0.0.1:", server_.port());
    options.token_path = dir_.Join("token");
    auto client = service::NewKubernetesClient(options);
    EXPECT_OK(client);
    client_ = *std::move(client);
  }

  service::KubernetesPodLogs Logs() { return {client_.get(), "/api/v1/namespaces/training/pods", log_}; }

  static service::KubernetesPod Running(const std::string& name, int index = 0) {
    service::KubernetesPod pod;
    pod.name = name;
    pod.index = index;
    pod.has_started = true;
    return pod;
  }

  std::string Log() const { return ReadFile(log_).value_or("no log"); }

  const TempDir dir_;
  FakeKubernetes server_;
  const std::string log_ = dir_.Join("trainer.log");
  std::unique_ptr<service::KubernetesClient> client_;
};

TEST_F(KubernetesPodLogsTest, CopiesEachLineOnce) {
  service::KubernetesPodLogs logs = Logs();
  server_.SetLog("pod-0", "2024-05-01T10:00:00.1Z one\n2024-05-01T10:00:00.2Z two\n");
  logs.Copy({Running("pod-0")});
  EXPECT_EQ(Log(), "one\ntwo\n");
  server_.SetLog("pod-0", "2024-05-01T10:00:00.1Z one\n2024-05-01T10:00:00.2Z two\n2024-05-01T10:00:00.3Z three\n");
  logs.Copy({Running("pod-0")});
  EXPECT_EQ(Log(), "one\ntwo\nthree\n");
}

TEST_F(KubernetesPodLogsTest, AnotherProcessResumesWhereTheFirstEnded) {
  server_.SetLog("pod-0", "2024-05-01T10:00:00.1Z one\n");
  Logs().Copy({Running("pod-0")});
  server_.SetLog("pod-0", "2024-05-01T10:00:00.1Z one\n2024-05-01T10:00:01Z two\n");
  Logs().Copy({Running("pod-0")});
  EXPECT_EQ(Log(), "one\ntwo\n");
}

TEST_F(KubernetesPodLogsTest, OtherReplicasAreMarked) {
  server_.SetLog("pod-0", "2024-05-01T10:00:00Z zero\n");
  server_.SetLog("pod-1", "2024-05-01T10:00:00Z one\n");
  Logs().Copy({Running("pod-0", 0), Running("pod-1", 1)});
  EXPECT_EQ(Log(), "zero\n[rank 1] one\n");
}

TEST_F(KubernetesPodLogsTest, AnIncompleteLineWaitsUntilItsEndOrTheEndOfItsPod) {
  service::KubernetesPodLogs logs = Logs();
  server_.SetLog("pod-0", "2024-05-01T10:00:00Z whole\n2024-05-01T10:00:01Z half");
  logs.Copy({Running("pod-0")});
  EXPECT_EQ(Log(), "whole\n");
  service::KubernetesPod ended = Running("pod-0");
  ended.exit_code = 0;
  logs.Copy({ended});
  EXPECT_EQ(Log(), "whole\nhalf\n");
}

TEST_F(KubernetesPodLogsTest, SaysOnceWhyAPodWaits) {
  service::KubernetesPodLogs logs = Logs();
  service::KubernetesPod waiting;
  waiting.name = "pod-0";
  waiting.waits_for = "no node has a GPU";
  logs.Copy({waiting});
  logs.Copy({waiting});
  EXPECT_EQ(Log(), "The pod pod-0 waits: no node has a GPU\n");
}

TEST_F(KubernetesPodLogsTest, AnErrorOfTheServerIsRepairedByTheNextCopy) {
  service::KubernetesPodLogs logs = Logs();
  server_.SetLog("pod-0", "2024-05-01T10:00:00Z one\n");
  server_.FailNext("/log", 500);
  logs.Copy({Running("pod-0")});
  EXPECT_EQ(Log(), "no log");
  logs.Copy({Running("pod-0")});
  EXPECT_EQ(Log(), "one\n");
}

}  // namespace
}  // namespace semblance::testing
