#include "service/jobs/kubernetes/kubernetes_job_manifest.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::testing {
namespace {

using Json = nlohmann::json;

class KubernetesJobManifestTest : public ::testing::Test {
 protected:
  KubernetesJobManifestTest() {
    spec_.name = "job-000001-1";
    spec_.arguments = {"/usr/bin/semblance-trainer", "--config=/data/config.textproto"};
    spec_.log_path = "/data/jobs/job-000001/trainer.log";
    options_.image = "registry.example.org/semblance:1.0";
    options_.job_namespace = "training";
    options_.volume_claim = "semblance-data";
    options_.mount_path = "/data";
    options_.service_account = "trainer";
    options_.ttl_seconds = 3600;
  }

  Json Job() const { return Json::parse(service::RenderJob(spec_, options_, std::nullopt)); }
  Json PodSpec() const { return Job()["spec"]["template"]["spec"]; }
  Json Container() const { return PodSpec()["containers"][0]; }

  service::JobSpec spec_;
  service::KubernetesOptions options_;
};

TEST_F(KubernetesJobManifestTest, IsNamedAndLabeled) {
  const Json job = Job();
  const Json labels = {{"app.kubernetes.io/name", "semblance"},
                       {"app.kubernetes.io/component", "trainer"},
                       {"app.kubernetes.io/managed-by", "semblance-server"}};
  EXPECT_EQ(job["apiVersion"], "batch/v1");
  EXPECT_EQ(job["kind"], "Job");
  EXPECT_EQ(job["metadata"], Json({{"name", "job-000001-1"},
                                   {"namespace", "training"},
                                   {"labels", labels},
                                   {"annotations", {{"semblance/log-path", "/data/jobs/job-000001/trainer.log"}}}}));
  EXPECT_EQ(job["spec"]["template"]["metadata"]["labels"], labels);
  EXPECT_EQ(job["spec"]["ttlSecondsAfterFinished"], 3600);
}

TEST_F(KubernetesJobManifestTest, IsOwnedByTheDeployment) {
  const Json job = Json::parse(service::RenderJob(spec_, options_, service::KubernetesOwner{.name = "semblance", .uid = "uid-7"}));
  EXPECT_EQ(job["metadata"]["ownerReferences"], Json::array({{{"apiVersion", "apps/v1"},
                                                              {"kind", "Deployment"},
                                                              {"name", "semblance"},
                                                              {"uid", "uid-7"},
                                                              {"controller", false},
                                                              {"blockOwnerDeletion", false}}}));
}

TEST_F(KubernetesJobManifestTest, TriesAgainUnlessItIsOfNoUse) {
  const Json job = Job()["spec"];
  EXPECT_EQ(job["backoffLimit"], 3);
  EXPECT_EQ(job["template"]["spec"]["restartPolicy"], "Never");
  const Json rules = job["podFailurePolicy"]["rules"];
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0], Json({{"action", "FailJob"},
                            {"onExitCodes", {{"containerName", "trainer"}, {"operator", "In"}, {"values", {2, 42}}}}}));
  EXPECT_EQ(rules[1],
            Json({{"action", "Ignore"}, {"onPodConditions", Json::array({{{"type", "DisruptionTarget"}, {"status", "True"}}})}}));
}

TEST_F(KubernetesJobManifestTest, RunsWithoutRights) {
  const Json pod = PodSpec();
  EXPECT_EQ(pod["serviceAccountName"], "trainer");
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
  EXPECT_EQ(pod["terminationGracePeriodSeconds"], 30);
  EXPECT_EQ(pod["securityContext"], Json({{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}));
  EXPECT_EQ(pod["containers"][0]["securityContext"], Json({{"allowPrivilegeEscalation", false},
                                                           {"readOnlyRootFilesystem", true},
                                                           {"capabilities", {{"drop", Json::array({"ALL"})}}}}));
}

TEST_F(KubernetesJobManifestTest, MountsTheVolume) {
  EXPECT_EQ(PodSpec()["volumes"][0], Json({{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "semblance-data"}}}}));
  EXPECT_EQ(Container()["volumeMounts"][0], Json({{"name", "data"}, {"mountPath", "/data"}}));
  EXPECT_EQ(Container()["image"], "registry.example.org/semblance:1.0");
}

TEST_F(KubernetesJobManifestTest, AsksForWhatTheSpecAllows) {
  EXPECT_EQ(Container()["resources"], Json::object());
  spec_.max_memory_bytes = int64_t{8} << 30;
  spec_.cpus = 2.5;
  spec_.gpus = 1;
  const Json amounts = {{"cpu", "2500m"}, {"memory", "8589934592"}, {"nvidia.com/gpu", "1"}};
  EXPECT_EQ(Container()["resources"], Json({{"limits", amounts}, {"requests", amounts}}));
}

TEST_F(KubernetesJobManifestTest, HandsArgumentsOverAsTheyAre) {
  spec_.arguments = {"/bin/echo", "a b", "\"quoted\"", "$(SEMBLANCE_JOB)", "$$", "\xff"};
  EXPECT_EQ(Container()["command"], Json({"/bin/echo", "a b", "\"quoted\"", "$$(SEMBLANCE_JOB)", "$$$$", "\xef\xbf\xbd"}));
}

TEST_F(KubernetesJobManifestTest, IsOneProcessByDefault) {
  const Json job = Job()["spec"];
  EXPECT_FALSE(job.contains("completionMode"));
  EXPECT_FALSE(job.contains("parallelism"));
  EXPECT_FALSE(PodSpec().contains("subdomain"));
  EXPECT_EQ(Container()["env"], Json::array({{{"name", "SEMBLANCE_JOB"}, {"value", "job-000001-1"}}}));
}

TEST_F(KubernetesJobManifestTest, GivesReplicasTheEnvironmentOfTorchrun) {
  spec_.replicas = 4;
  const Json job = Job()["spec"];
  EXPECT_EQ(job["completionMode"], "Indexed");
  EXPECT_EQ(job["completions"], 4);
  EXPECT_EQ(job["parallelism"], 4);
  EXPECT_EQ(job["backoffLimit"], 12);
  EXPECT_EQ(PodSpec()["subdomain"], "job-000001-1");
  std::map<std::string, std::string> values;
  const Json container = Container();
  for (const Json& variable : container["env"]) {
    values[variable["name"]] = variable.contains("value") ? variable["value"] : variable["valueFrom"]["fieldRef"]["fieldPath"];
  }
  EXPECT_EQ(values,
            (std::map<std::string, std::string>{{"SEMBLANCE_JOB", "job-000001-1"},
                                                {"RANK", "metadata.annotations['batch.kubernetes.io/job-completion-index']"},
                                                {"WORLD_SIZE", "4"},
                                                {"LOCAL_RANK", "0"},
                                                {"LOCAL_WORLD_SIZE", "1"},
                                                {"MASTER_ADDR", "job-000001-1-0.job-000001-1"},
                                                {"MASTER_PORT", "29500"}}));
}

TEST_F(KubernetesJobManifestTest, NamesReplicasByAHeadlessService) {
  const Json service = Json::parse(service::RenderReplicaService({.name = "job-000001-1", .uid = "uid-8"}));
  EXPECT_EQ(service["metadata"]["name"], "job-000001-1");
  EXPECT_EQ(service["metadata"]["ownerReferences"][0]["kind"], "Job");
  EXPECT_EQ(service["metadata"]["ownerReferences"][0]["uid"], "uid-8");
  EXPECT_EQ(service["spec"], Json({{"clusterIP", "None"},
                                   {"selector", {{"job-name", "job-000001-1"}}},
                                   {"publishNotReadyAddresses", true},
                                   {"ports", Json::array({{{"name", "rendezvous"}, {"port", 29500}}})}}));
}

TEST_F(KubernetesJobManifestTest, DeletesOneJobAndItsPods) {
  EXPECT_EQ(Json::parse(service::RenderDeletion("uid-9", absl::Milliseconds(1500))), Json({{"apiVersion", "v1"},
                                                                                           {"kind", "DeleteOptions"},
                                                                                           {"propagationPolicy", "Foreground"},
                                                                                           {"gracePeriodSeconds", 2},
                                                                                           {"preconditions", {{"uid", "uid-9"}}}}));
  EXPECT_EQ(Json::parse(service::RenderDeletion("uid-9", absl::InfiniteDuration()))["gracePeriodSeconds"], 86400);
}

}  // namespace
}  // namespace semblance::testing
