// A Prometheus family whose series are all replaced at each scrape.
//
// Not thread-safe.
#ifndef SEMBLANCE_SERVICE_HTTP_METRIC_SERIES_H_
#define SEMBLANCE_SERVICE_HTTP_METRIC_SERIES_H_

#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <vector>

namespace semblance::service {

template <typename Metric>
class MetricSeries {
 public:
  // `family` must outlive the object.
  explicit MetricSeries(prometheus::Family<Metric>& family) : family_(family) {}

  void Clear() {
    for (Metric* metric : metrics_) {
      family_.Remove(metric);
    }
    metrics_.clear();
  }

  Metric& Add(const prometheus::Labels& labels) {
    metrics_.push_back(&family_.Add(labels));
    return *metrics_.back();
  }

 private:
  prometheus::Family<Metric>& family_;
  std::vector<Metric*> metrics_;
};

// `registry` must outlive the result.
inline MetricSeries<prometheus::Gauge> GaugeSeries(prometheus::Registry* registry, const char* name, const char* help) {
  return MetricSeries<prometheus::Gauge>(prometheus::BuildGauge().Name(name).Help(help).Register(*registry));
}

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_HTTP_METRIC_SERIES_H_
