#include "service/http/training_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "service/http/metric_series.h"

namespace semblance::service {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;

constexpr std::array kStates = {TrainingState::kQueued,   TrainingState::kRunning,    TrainingState::kPublishing,
                                TrainingState::kFailed,   TrainingState::kCancelling, TrainingState::kCancelled,
                                TrainingState::kSucceeded};

prometheus::Labels LabelOf(const char* name, TrainingState state) {
  return {{name, std::string(TrainingStateName(state))}};
}

}  // namespace

struct TrainingMetrics::Rep {
  explicit Rep(prometheus::Registry* registry)
      : jobs(prometheus::BuildGauge().Name("semblance_training_jobs").Help("Training jobs, by state.").Register(*registry)),
        ended(prometheus::BuildCounter()
                  .Name("semblance_training_jobs_ended_total")
                  .Help("Training jobs that have ended since the server started, by result.")
                  .Register(*registry)),
        step(GaugeSeries(registry, "semblance_training_job_step", "Steps that a running job has done.")),
        total_steps(GaugeSeries(registry, "semblance_training_job_total_steps", "Steps of the whole run of a running job.")),
        loss(GaugeSeries(registry, "semblance_training_job_loss", "Mean loss of the present epoch of a running job.")),
        recall(GaugeSeries(registry, "semblance_training_job_recall_at_1", "Recall@1 that a running job measured last.")),
        rate(
            GaugeSeries(registry, "semblance_training_job_images_per_second", "Images that a running job trains on in a second.")) {
    // The series exists from the start, so that a rate over the first event is right.
    for (const TrainingState state : kStates) {
      if (HasEnded(state)) {
        ended.Add(LabelOf("result", state));
      }
    }
  }

  void Clear() {
    for (MetricSeries<Gauge>* series : {&step, &total_steps, &loss, &recall, &rate}) {
      series->Clear();
    }
  }

  void SetRunning(const TrainingInfo& info) {
    const prometheus::Labels labels = {{"training_job", info.id}};
    const storage::v1::TrainerProgress& progress = info.progress;
    step.Add(labels).Set(static_cast<double>(progress.step()));
    total_steps.Add(labels).Set(static_cast<double>(progress.total_steps()));
    rate.Add(labels).Set(progress.images_per_second());
    if (progress.has_loss()) {
      loss.Add(labels).Set(progress.loss());
    }
    if (progress.has_recall_at_1()) {
      recall.Add(labels).Set(progress.recall_at_1());
    }
  }

  Family<Gauge>& jobs;
  Family<Counter>& ended;
  MetricSeries<Gauge> step;
  MetricSeries<Gauge> total_steps;
  MetricSeries<Gauge> loss;
  MetricSeries<Gauge> recall;
  MetricSeries<Gauge> rate;
  // The end times of ended jobs by id, as the last call gave them. A job that was resumed ends again at a later time. nullopt
  // before the first call.
  std::optional<std::map<std::string, absl::Time>> end_times;
};

TrainingMetrics::TrainingMetrics(prometheus::Registry* registry) : rep_(std::make_unique<Rep>(registry)) {}

TrainingMetrics::~TrainingMetrics() = default;

void TrainingMetrics::Set(const std::vector<TrainingInfo>& jobs) {
  rep_->Clear();
  std::map<TrainingState, int> counts;
  std::map<std::string, absl::Time> end_times;
  for (const TrainingInfo& info : jobs) {
    ++counts[info.state];
    if (info.state == TrainingState::kRunning) {
      rep_->SetRunning(info);
    }
    if (!HasEnded(info.state)) {
      continue;
    }
    end_times[info.id] = info.state_time;
    if (rep_->end_times.has_value()) {
      const auto before = rep_->end_times->find(info.id);
      if (before == rep_->end_times->end() || before->second != info.state_time) {
        rep_->ended.Add(LabelOf("result", info.state)).Increment();
      }
    }
  }
  for (const TrainingState state : kStates) {
    rep_->jobs.Add(LabelOf("state", state)).Set(counts[state]);
  }
  rep_->end_times = std::move(end_times);
}

}  // namespace semblance::service
