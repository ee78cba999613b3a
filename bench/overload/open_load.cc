#include "bench/overload/open_load.h"

#include <grpcpp/grpcpp.h>

#include <random>
#include <utility>

#include "absl/time/clock.h"
#include "common/threads/stop.h"
#include "google/rpc/error_details.pb.h"

namespace semblance::bench {
namespace {

// A search in flight. The request is shared with the others.
struct Call {
  grpc::ClientContext context;
  v1::SearchResponse response;
};

bool HasRetryInfo(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) {
    return false;
  }
  for (const auto& detail : details.details()) {
    if (detail.Is<google::rpc::RetryInfo>()) {
      return true;
    }
  }
  return false;
}

}  // namespace

OpenLoad::OpenLoad(Options options) : options_(std::move(options)) {
  for (const std::shared_ptr<grpc::Channel>& channel : options_.channels) {
    stubs_.push_back(v1::SearchService::NewStub(channel));
  }
  thread_ = Worker("load", [this](const std::stop_token& stop) { Run(stop); });
}

LoadOutcome OpenLoad::Stop() {
  thread_.Stop();
  MutexLock lock(&mutex_);
  answered_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return in_flight_ == 0; });
  return outcome_;
}

void OpenLoad::Run(const std::stop_token& stop) {
  std::mt19937 random(1);
  std::exponential_distribution<double> gap(options_.rate);
  absl::Time due = absl::Now();
  for (size_t i = 0; !stop.stop_requested(); ++i) {
    due += absl::Seconds(gap(random));
    WaitForStop(stop, due - absl::Now());
    Send(i, due);
  }
}

void OpenLoad::Send(size_t i, absl::Time due) {
  auto call = std::make_shared<Call>();
  if (options_.deadline > absl::ZeroDuration()) {
    call->context.set_deadline(absl::ToChronoTime(due + options_.deadline));
  }
  {
    MutexLock lock(&mutex_);
    ++in_flight_;
  }
  Call* const raw = call.get();
  stubs_[i % stubs_.size()]->async()->Search(&raw->context, &(*options_.requests)[i % options_.requests->size()], &raw->response,
                                             [this, call, due](const grpc::Status& status) { Record(status, due); });
}

void OpenLoad::Record(const grpc::Status& status, absl::Time due) {
  const double latency = absl::ToDoubleMilliseconds(absl::Now() - due);
  // As soon as the lock is free, Stop may return and this object may be destroyed.
  MutexLock lock(&mutex_);
  if (due >= options_.counted_from) {
    if (status.ok()) {
      outcome_.accepted_ms.push_back(latency);
    } else if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) {
      outcome_.refused_ms.push_back(latency);
      outcome_.refused_with_retry_info += HasRetryInfo(status) ? 1 : 0;
    } else {
      ++outcome_.failed;
    }
  }
  --in_flight_;
  answered_.NotifyAll();
}

}  // namespace semblance::bench
