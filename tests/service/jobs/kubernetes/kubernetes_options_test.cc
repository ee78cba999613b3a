#include "service/jobs/kubernetes/kubernetes_options.h"

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::HasSubstr;

KubernetesOptions Valid() {
  KubernetesOptions options;
  options.image = "registry.example/semblance:1";
  options.job_namespace = "training";
  options.volume_claim = "semblance-data";
  options.mount_path = "/var/lib/semblance";
  options.service_account = "trainer";
  options.ttl_seconds = 60;
  return options;
}

TEST(KubernetesOptionsTest, AGivenNamespaceIsKept) {
  ASSERT_OK_AND_ASSIGN(const KubernetesOptions options, Valid().WithNamespace());
  EXPECT_EQ(options.job_namespace, "training");
  EXPECT_OK(options.Validate());
}

TEST(KubernetesOptionsTest, OutsideOfAPodTheNamespaceIsNeeded) {
  KubernetesOptions options = Valid();
  options.job_namespace = "";
  EXPECT_THAT(options.WithNamespace(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(KubernetesOptionsTest, DnsLabels) {
  for (const char* good : {"a", "0", "a-b", "a0"}) {
    EXPECT_TRUE(IsDnsLabel(good)) << good;
  }
  for (const char* bad : {"", "-", "a-", "-a", "A", "a.b", "a_b", "a b", "\xc3\xa4"}) {
    EXPECT_FALSE(IsDnsLabel(bad)) << bad;
  }
  EXPECT_TRUE(IsDnsLabel(std::string(63, 'a')));
  EXPECT_FALSE(IsDnsLabel(std::string(64, 'a')));
  EXPECT_FALSE(IsDnsLabel("abc", 2));
}

struct BadOption {
  const char* name;
  std::function<void(KubernetesOptions&)> set;
  const char* field;
};

class BadKubernetesOptionTest : public ::testing::TestWithParam<BadOption> {};

TEST_P(BadKubernetesOptionTest, IsRefusedWithItsField) {
  KubernetesOptions options = Valid();
  GetParam().set(options);
  EXPECT_THAT(options.Validate(), AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr(GetParam().field))));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadKubernetesOptionTest,
    ::testing::Values(
        BadOption{"NoImage", [](KubernetesOptions& o) { o.image = ""; }, "kubernetes.image"},
        BadOption{"ImageWithASpace", [](KubernetesOptions& o) { o.image = "a b"; }, "kubernetes.image"},
        BadOption{"Namespace", [](KubernetesOptions& o) { o.job_namespace = "A"; }, "kubernetes.namespace"},
        BadOption{"NoVolumeClaim", [](KubernetesOptions& o) { o.volume_claim = ""; }, "kubernetes.volume_claim"},
        BadOption{"ServiceAccount", [](KubernetesOptions& o) { o.service_account = "a..b"; }, "kubernetes.service_account"},
        BadOption{"Owner", [](KubernetesOptions& o) { o.owner_deployment = "a/b"; }, "kubernetes.owner_deployment"},
        BadOption{"RelativeMount", [](KubernetesOptions& o) { o.mount_path = "data"; }, "kubernetes.mount_path"},
        BadOption{"MountOfTheRoot", [](KubernetesOptions& o) { o.mount_path = "/"; }, "kubernetes.mount_path"},
        BadOption{"MountWithAColon", [](KubernetesOptions& o) { o.mount_path = "/a:b"; }, "kubernetes.mount_path"},
        BadOption{"NoServiceAccount", [](KubernetesOptions& o) { o.service_account = ""; }, "kubernetes.service_account"},
        BadOption{"NoMount", [](KubernetesOptions& o) { o.mount_path = ""; }, "kubernetes.mount_path"},
        BadOption{"NoTtl", [](KubernetesOptions& o) { o.ttl_seconds = 0; }, "kubernetes.ttl_seconds"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace semblance::service
