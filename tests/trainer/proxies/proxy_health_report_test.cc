#include "trainer/proxies/proxy_health_report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::trainer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;
using testing::StatusMessage;

TEST(ProxyHealthReportTest, TellsTheLossesAsMeansOverTheAnchors) {
  ProxyHealth health;
  health.bound.anchors = 4;
  health.bound.nca = 2;
  health.bound.bound = 10;
  health.dead = 3;

  const std::vector<NamedValue> values = NamedValuesOf(health);

  EXPECT_THAT(values, Contains(NamedValue{"loss/nca", 0.5}));
  EXPECT_THAT(values, Contains(NamedValue{"loss/nca_bound", 2.5}));
  EXPECT_THAT(values, Contains(NamedValue{"dead_proxies", 3}));
  EXPECT_THAT(FormatHealth(health), AllOf(HasSubstr("dead 3"), HasSubstr("NCA 0.500 <= bound 2.500")));
}

TEST(ProxyHealthReportTest, TellsOfTripletsWhatTheirProxiesDecide) {
  ProxyHealth health;
  health.of_triplets = true;
  health.undecided = 0.5;

  EXPECT_THAT(FormatHealth(health), AllOf(HasSubstr("undecided 0.5000"), Not(HasSubstr("NCA"))));
  EXPECT_THAT(NamedValuesOf(health), Contains(NamedValue{"proxies/undecided", 0.5}));
}

TEST(ProxyHealthReportTest, DividesByNothingWithoutAnchors) {
  EXPECT_THAT(NamedValuesOf(ProxyHealth()), Contains(NamedValue{"loss/nca", 0}));
}

TEST(ProxyHealthReportTest, NamesTheClassesThatAreStuck) {
  const std::vector<std::string> classes = {"cat", "dog", "eel"};
  ProxyHealth health;
  EXPECT_OK(CheckNotStuck(health, classes));
  health.stuck = 2;
  health.stuck_classes = {0, 2};

  const absl::Status status = CheckNotStuck(health, classes);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(status, StatusMessage(AllOf(HasSubstr("2 classes"), HasSubstr("cat, eel"))));
}

}  // namespace
}  // namespace semblance::trainer
