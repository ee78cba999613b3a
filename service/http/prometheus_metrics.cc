#include "service/http/prometheus_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <vector>

#include "common/error.h"
#include "common/threads/mutex.h"
#include "service/http/generation_metrics.h"
#include "service/http/training_metrics.h"

namespace semblance::service {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

// The buckets reach from 0.1 ms to 10 s.
Histogram::BucketBoundaries SecondsBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

Family<Counter>& CounterFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

Family<Histogram>& HistogramFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

prometheus::Labels LabelsOf(const RpcMethod& method) {
  return {{"grpc_service", std::string(method.service)}, {"grpc_method", std::string(method.method)}};
}

}  // namespace

struct PrometheusMetrics::Rep {
  prometheus::Registry registry;
  Family<Counter>& started = CounterFamily(registry, "grpc_server_started_total", "Calls that started.");
  Family<Counter>& handled = CounterFamily(registry, "grpc_server_handled_total", "Calls that were answered, by code.");
  Family<Histogram>& handling =
      HistogramFamily(registry, "grpc_server_handling_seconds", "Time from the admission of a call to its answer.");
  Family<Counter>& rejected =
      CounterFamily(registry, "semblance_rejected_total", "Calls that were refused, by reason (docs/errors.md).");
  Family<Histogram>& stages = HistogramFamily(registry, "semblance_stage_seconds", "Time of answered requests in each stage.");
  Histogram& decode = stages.Add({{"stage", "decode"}}, SecondsBuckets());
  Histogram& queue = stages.Add({{"stage", "queue"}}, SecondsBuckets());
  Histogram& infer = stages.Add({{"stage", "infer"}}, SecondsBuckets());
  Histogram& search = stages.Add({{"stage", "search"}}, SecondsBuckets());
  Histogram& batch_size = HistogramFamily(registry, "semblance_batch_size", "Number of images in one inference.")
                              .Add({}, Histogram::BucketBoundaries{1, 2, 4, 8, 16, 32, 64, 128, 256});
  Histogram& commit = HistogramFamily(registry, "semblance_wal_fsync_seconds", "Time of one durable commit of the catalog.")
                          .Add({}, SecondsBuckets());
  Counter& recall_expected =
      CounterFamily(registry, "semblance_recall_probe_expected_total", "Exact nearest neighbors of the probed queries.").Add({});
  Counter& recall_found =
      CounterFamily(registry, "semblance_recall_probe_found_total", "Exact nearest neighbors that the live answers had.").Add({});
  // There is no value before the first probe, because 0 would raise alarms.
  Family<Gauge>& recall =
      GaugeFamily(registry, "semblance_recall_probe", "Recall of live answers, over about the last 1,000 probed neighbors.");
  Gauge& serving = GaugeFamily(registry, "semblance_serving", "1 while the server answers searches.").Add({});
  Gauge& degraded = GaugeFamily(registry, "semblance_degraded",
                                "1 while the previous generation answers because the active one cannot be loaded.")
                        .Add({});
  Gauge& items = GaugeFamily(registry, "semblance_items", "Items in the catalog.").Add({});
  Gauge& queue_depth = GaugeFamily(registry, "semblance_queue_depth", "Images that wait for the network.").Add({});
  Gauge& request_memory =
      GaugeFamily(registry, "semblance_request_memory_bytes", "Memory that the requests in progress have reserved.").Add({});
  Family<Gauge>& rows = GaugeFamily(registry, "semblance_index_rows", "Rows in the active index, by state.");
  Gauge& live_rows = rows.Add({{"state", "live"}});
  Gauge& tombstone_rows = rows.Add({{"state", "tombstone"}});
  Gauge& growing_rows = rows.Add({{"state", "growing"}});
  Gauge& segments = GaugeFamily(registry, "semblance_index_sealed_segments", "Sealed segments in the active index.").Add({});
  Gauge& index_bytes = GaugeFamily(registry, "semblance_index_bytes", "Memory of the active index, without mapped files.").Add({});
  Family<Gauge>& info = GaugeFamily(registry, "semblance_generation_info", "1 for the active generation, with its names.");
  Gauge* active_info = nullptr;
  GenerationMetrics generations{&registry};
  TrainingMetrics training{&registry};
  void SetActive(const Generation& generation);

  // Scrapes run one at a time, because a scrape removes series before it sets new ones.
  Mutex scrape_mutex;
};

namespace {

// Describes the active generation if there is no controller that lists generations.
GenerationList ListOfActive(const Engine& engine, const Generation& generation) {
  GenerationInfo info;
  info.manifest = generation.manifest();
  info.state = GenerationState::kActive;
  const uint64_t applied = generation.index().applied_sequence();
  const uint64_t last = engine.last_sequence();
  info.lag = last > applied ? static_cast<int64_t>(last - applied) : 0;
  return {.generations = {std::move(info)}, .active = generation.manifest().id(), .previous = ""};
}

}  // namespace

PrometheusMetrics::PrometheusMetrics() : rep_(std::make_unique<Rep>()) {}

PrometheusMetrics::~PrometheusMetrics() = default;

void PrometheusMetrics::Rep::SetActive(const Generation& generation) {
  const index::IndexStats stats = generation.index().Stats();
  queue_depth.Set(generation.batcher().queued_images());
  live_rows.Set(static_cast<double>(stats.live_rows));
  tombstone_rows.Set(static_cast<double>(stats.tombstone_rows));
  growing_rows.Set(static_cast<double>(stats.growing_rows));
  segments.Set(stats.sealed_segments);
  index_bytes.Set(static_cast<double>(stats.memory_bytes));
  if (active_info != nullptr) {
    info.Remove(active_info);
  }
  active_info = &info.Add({{"generation", generation.manifest().id()},
                           {"model", generation.manifest().model()},
                           {"embedding_space_id", generation.manifest().embedding_space_id()}});
  active_info->Set(1);
}

void PrometheusMetrics::ObserveStages(const LatencyBreakdown& latency) {
  const auto observe = [](Histogram& histogram, absl::Duration duration) {
    if (duration > absl::ZeroDuration()) {
      histogram.Observe(absl::ToDoubleSeconds(duration));
    }
  };
  observe(rep_->decode, latency.decode);
  observe(rep_->queue, latency.queue);
  observe(rep_->infer, latency.infer);
  observe(rep_->search, latency.search);
}

void PrometheusMetrics::ObserveBatch(int batch_size) {
  rep_->batch_size.Observe(batch_size);
}

void PrometheusMetrics::ObserveCommit(absl::Duration duration) {
  rep_->commit.Observe(absl::ToDoubleSeconds(duration));
}

void PrometheusMetrics::ObserveRecall(int expected, int found) {
  rep_->recall_expected.Increment(expected);
  rep_->recall_found.Increment(found);
}

void PrometheusMetrics::ObserveActivation(absl::string_view result, absl::Duration write_pause) {
  rep_->generations.ObserveActivation(result, write_pause);
}

void PrometheusMetrics::CountStarted(const RpcMethod& method) {
  rep_->started.Add(LabelsOf(method)).Increment();
}

void PrometheusMetrics::ObserveHandled(const RpcMethod& method, const absl::Status& status, absl::Duration duration) {
  prometheus::Labels labels = LabelsOf(method);
  rep_->handling.Add(labels, SecondsBuckets()).Observe(absl::ToDoubleSeconds(duration));
  labels["grpc_code"] = absl::StatusCodeToString(status.code());
  rep_->handled.Add(labels).Increment();
  if (const std::string reason = ReasonName(ReasonOf(status)); !reason.empty()) {
    rep_->rejected.Add({{"reason", reason}}).Increment();
  }
}

std::string PrometheusMetrics::Scrape(const Engine& engine, const GenerationController* generations,
                                      const TrainingController* training) {
  MutexLock lock(&rep_->scrape_mutex);
  const EngineStatus status = engine.status();
  const bool degraded = status.state == EngineState::kDegraded;
  rep_->serving.Set(degraded || status.state == EngineState::kServing ? 1 : 0);
  rep_->degraded.Set(degraded ? 1 : 0);
  rep_->items.Set(static_cast<double>(engine.item_count()));
  rep_->request_memory.Set(static_cast<double>(engine.request_memory_bytes()));
  if (const RecallStats stats = engine.recall(); stats.recall.has_value()) {
    rep_->recall.Add({}).Set(*stats.recall);
  }
  // There are no generations while the server starts.
  GenerationList list = generations == nullptr ? GenerationList() : generations->List().value_or(GenerationList());
  if (status.generation != nullptr) {
    rep_->SetActive(*status.generation);
    if (generations == nullptr) {
      list = ListOfActive(engine, *status.generation);
    }
  }
  rep_->generations.Set(list);
  if (training != nullptr) {
    if (const auto jobs = training->List(); jobs.ok()) {
      rep_->training.Set(*jobs);
    }
  }
  return prometheus::TextSerializer().Serialize(rep_->registry.Collect());
}

}  // namespace semblance::service
