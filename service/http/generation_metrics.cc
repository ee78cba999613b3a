#include "service/http/generation_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <string>
#include <utility>

#include "service/http/metric_series.h"

namespace semblance::service {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

// The buckets reach from 0.5 ms to 10 s. An activation should take less than 50 ms.
Histogram::BucketBoundaries PauseBuckets() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

}  // namespace

struct GenerationMetrics::Rep {
  explicit Rep(prometheus::Registry* registry)
      : state(GaugeSeries(registry, "semblance_generation_state", "1 for the state that the generation is in.")),
        lag(GaugeSeries(registry, "semblance_generation_lag", "Writes that a loaded generation has not applied.")),
        progress(GaugeSeries(registry, "semblance_generation_progress_ratio", "How much of the present state is done, 0 to 1.")),
        overlap(GaugeSeries(registry, "semblance_shadow_overlap",
                            "Mean share of ids that a shadow and the active generation both found.")),
        canaries(prometheus::BuildCounter()
                     .Name("semblance_canary_total")
                     .Help("Searches that the generation answered as a canary.")
                     .Register(*registry)),
        activations(prometheus::BuildCounter()
                        .Name("semblance_activation_total")
                        .Help("Activations and rollbacks, by result.")
                        .Register(*registry)),
        pause(prometheus::BuildHistogram()
                  .Name("semblance_write_pause_seconds")
                  .Help("Time that writes waited in an activation.")
                  .Register(*registry)
                  .Add({}, PauseBuckets())) {
    // The series exists from the start, so that a rate over the first event is right.
    for (const char* result : {"done", "conflict", "gate_failed", "failed"}) {
      activations.Add({{"result", result}});
    }
  }

  void Clear() {
    for (MetricSeries<Gauge>* series : {&state, &lag, &progress, &overlap}) {
      series->Clear();
    }
    canaries.Clear();
  }

  MetricSeries<Gauge> state;
  MetricSeries<Gauge> lag;
  MetricSeries<Gauge> progress;
  MetricSeries<Gauge> overlap;
  MetricSeries<Counter> canaries;
  Family<Counter>& activations;
  Histogram& pause;
};

GenerationMetrics::GenerationMetrics(prometheus::Registry* registry) : rep_(std::make_unique<Rep>(registry)) {}

GenerationMetrics::~GenerationMetrics() = default;

void GenerationMetrics::Set(const GenerationList& list) {
  rep_->Clear();
  for (const GenerationInfo& info : list.generations) {
    const prometheus::Labels labels = {{"generation", info.manifest.id()}};
    prometheus::Labels with_state = labels;
    with_state["state"] = std::string(GenerationStateName(info.state));
    rep_->state.Add(with_state).Set(1);
    if (IsLive(info.state) || info.state == GenerationState::kCatchingUp || info.state == GenerationState::kWarming) {
      rep_->lag.Add(labels).Set(static_cast<double>(info.lag));
    }
    if (info.progress.has_value() && info.progress->total > 0) {
      const double ratio = static_cast<double>(info.progress->done) / static_cast<double>(info.progress->total);
      rep_->progress.Add(labels).Set(std::clamp(ratio, 0.0, 1.0));
    }
    if (info.traffic.has_value() && info.traffic->shadow_count > 0) {
      rep_->overlap.Add(labels).Set(info.traffic->shadow_overlap);
    }
    if (info.traffic.has_value() && info.traffic->shares.canary > 0) {
      rep_->canaries.Add(labels).Increment(static_cast<double>(info.traffic->canary_count));
    }
  }
}

void GenerationMetrics::ObserveActivation(absl::string_view result, absl::Duration write_pause) {
  rep_->activations.Add({{"result", std::string(result)}}).Increment();
  if (write_pause > absl::ZeroDuration()) {
    rep_->pause.Observe(absl::ToDoubleSeconds(write_pause));
  }
}

}  // namespace semblance::service
