#include "service/http/prometheus_metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"
#include "tests/service/generations/fake_generation_controller.h"
#include "tests/service/training/fake_training_controller.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::EngineFixture;
using ::semblance::testing::FakeGenerationController;
using ::semblance::testing::FakeTrainingController;
using ::semblance::testing::GenerationOf;
using ::semblance::testing::JobOf;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PrometheusMetricsTest, WithoutAControllerTheActiveGenerationIsShown) {
  EngineFixture fixture;
  ASSERT_OK(fixture.Start("model"));
  PrometheusMetrics metrics;
  EXPECT_THAT(metrics.Scrape(fixture.engine(), nullptr, nullptr),
              AllOf(HasSubstr("semblance_serving 1"), HasSubstr("semblance_degraded 0"),
                    HasSubstr(R"(semblance_generation_info{embedding_space_id="sha256:)"),
                    HasSubstr(R"(semblance_generation_lag{generation="gen-000001"} 0)"),
                    HasSubstr(R"(semblance_generation_state{generation="gen-000001",state="active"} 1)")));
}

TEST(PrometheusMetricsTest, OnlyTheGenerationThatIsActiveHasAnInfo) {
  EngineFixture fixture;
  PrometheusMetrics metrics;
  ASSERT_OK(fixture.Start("model"));
  EXPECT_THAT(metrics.Scrape(fixture.engine(), nullptr, nullptr), HasSubstr(R"(generation="gen-000001",model="fake"} 1)"));
  fixture.WriteModel("other", 2);
  ASSERT_OK(fixture.Start("other"));
  EXPECT_THAT(metrics.Scrape(fixture.engine(), nullptr, nullptr),
              AllOf(HasSubstr(R"(generation="gen-000002",model="fake"} 1)"), Not(HasSubstr("gen-000001"))));
}

TEST(PrometheusMetricsTest, WithAControllerEveryGenerationIsShown) {
  EngineFixture fixture;
  ASSERT_OK(fixture.Start("model"));
  FakeGenerationController generations;
  generations.Set(GenerationOf("gen-000001", GenerationState::kActive));
  generations.Set(GenerationOf("gen-000002", GenerationState::kEmbedding));
  PrometheusMetrics metrics;
  metrics.ObserveActivation("done", absl::Milliseconds(1));
  EXPECT_THAT(metrics.Scrape(fixture.engine(), &generations, nullptr),
              AllOf(HasSubstr(R"(semblance_generation_state{generation="gen-000001",state="active"} 1)"),
                    HasSubstr(R"(semblance_generation_state{generation="gen-000002",state="embedding"} 1)"),
                    HasSubstr(R"(semblance_activation_total{result="done"} 1)")));
}

TEST(PrometheusMetricsTest, TrainingJobsAreShownWhereThereAreSome) {
  EngineFixture fixture;
  ASSERT_OK(fixture.Start("model"));
  PrometheusMetrics metrics;
  EXPECT_THAT(metrics.Scrape(fixture.engine(), nullptr, nullptr), Not(HasSubstr("semblance_training_jobs{")));
  FakeTrainingController training;
  training.Set(JobOf("job-000001", TrainingState::kRunning, 5));
  EXPECT_THAT(metrics.Scrape(fixture.engine(), nullptr, &training),
              AllOf(HasSubstr(R"(semblance_training_jobs{state="running"} 1)"),
                    HasSubstr(R"(semblance_training_job_step{training_job="job-000001"} 5)")));
}

}  // namespace
}  // namespace semblance::service
