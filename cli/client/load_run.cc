#include "cli/client/load_run.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/stop.h"
#include "common/threads/worker.h"
#include "semblance/v1/search_service.grpc.pb.h"

namespace semblance::cli {
namespace {

// The progress is shown this often.
constexpr absl::Duration kProgressInterval = absl::Milliseconds(50);
// A client pauses this long after a failed search, because a server that has ended refuses at once.
constexpr absl::Duration kPauseAfterFailure = absl::Milliseconds(10);

// A search that is not answered yet.
struct Call {
  grpc::ClientContext context;
  v1::SearchRequest request;
  v1::SearchResponse response;
  const LoadQuery* query = nullptr;
  absl::Time due;
};

class LoadRun {
 public:
  LoadRun(const std::shared_ptr<grpc::Channel>& channel, absl::Span<const LoadQuery> queries, const LoadOptions& options)
      : stub_(v1::SearchService::NewStub(channel)), queries_(queries), options_(options) {}

  LoadReport Run(const LoadProgress& progress) {
    const absl::Time start = absl::Now();
    if (options_.rate > 0) {
      SendAtRate(progress);
    } else {
      SendInLoops(progress);
    }
    MutexLock lock(&mutex_);
    drained_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return in_flight_ == 0; });
    report_.requests = requests_;
    report_.failed_requests = failed_;
    report_.elapsed = absl::Now() - start;
    return std::move(report_);
  }

 private:
  // Waits for at most `pause`. False when the sending is over.
  bool Pause(absl::Duration pause, const LoadProgress& progress) {
    progress(requests_, failed_);
    return !WaitForStop(options_.stop, std::min(pause, end_ - absl::Now())) && absl::Now() < end_;
  }

  void SendAtRate(const LoadProgress& progress) {
    const absl::Duration interval = absl::Seconds(1) / options_.rate;
    absl::Time due = absl::Now() + interval;
    while (Pause(std::min(due - absl::Now(), kProgressInterval), progress)) {
      for (; due <= absl::Now(); due += interval) {
        Send(due);
      }
    }
  }

  void SendInLoops(const LoadProgress& progress) {
    std::vector<Worker> clients;
    clients.reserve(static_cast<size_t>(options_.concurrency));
    for (int i = 0; i < options_.concurrency; ++i) {
      clients.emplace_back("client", [this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          SearchOnce(stop);
        }
      });
    }
    while (Pause(kProgressInterval, progress)) {
    }
    for (Worker& client : clients) {
      client.RequestStop();
    }
  }

  void SearchOnce(const std::stop_token& stop) {
    const std::shared_ptr<Call> call = NewCall(absl::Now());
    const grpc::Status status = stub_->Search(&call->context, call->request, &call->response);
    Take(*call, status);
    if (!status.ok()) {
      WaitForStop(stop, kPauseAfterFailure);
    }
  }

  void Send(absl::Time due) {
    const std::shared_ptr<Call> call = NewCall(due);
    {
      MutexLock lock(&mutex_);
      ++in_flight_;
    }
    stub_->async()->Search(&call->context, &call->request, &call->response, [this, call](const grpc::Status& status) {
      Take(*call, status);
      // This runs under the lock. As soon as the lock is free, Run may return and destroy this object.
      MutexLock lock(&mutex_);
      --in_flight_;
      drained_.NotifyAll();
    });
  }

  std::shared_ptr<Call> NewCall(absl::Time due) {
    auto call = std::make_shared<Call>();
    call->query = &queries_[static_cast<size_t>(requests_++) % queries_.size()];
    call->due = due;
    call->request.mutable_query()->set_image(call->query->image);
    call->request.set_top_k(options_.top_k);
    if (!call->query->item_id.empty()) {
      call->request.add_exclude_item_ids(call->query->item_id);
    }
    call->context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(options_.timeout));
    return call;
  }

  void Take(const Call& call, const grpc::Status& status) {
    const double latency = absl::ToDoubleMilliseconds(absl::Now() - call.due);
    MutexLock lock(&mutex_);
    if (!status.ok()) {
      ++failed_;
      RpcError error = DescribeRpcError(status);
      const std::string reason = error.reason.empty() ? absl::StrCat("gRPC code ", static_cast<int>(error.code)) : error.reason;
      LoadFailure& failure = report_.failures[reason];
      if (++failure.count == 1) {
        failure.error = std::move(error);
      }
      return;
    }
    GenerationLoad& generation = report_.generations[call.response.provenance().generation()];
    generation.model = call.response.provenance().model();
    generation.latencies_ms.push_back(latency);
    if (!call.query->label.empty()) {
      const auto& neighbors = call.response.result().neighbors();
      ++generation.labeled;
      generation.right += !neighbors.empty() && neighbors[0].label() == call.query->label ? 1 : 0;
    }
  }

  const std::unique_ptr<v1::SearchService::Stub> stub_;
  const absl::Span<const LoadQuery> queries_;
  const LoadOptions options_;
  const absl::Time end_ = absl::Now() + options_.duration;
  std::atomic<int64_t> requests_ = 0;
  std::atomic<int64_t> failed_ = 0;

  Mutex mutex_;
  Condition drained_;
  // The number of searches that are not answered yet, when they are sent at a rate.
  int64_t in_flight_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  LoadReport report_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace

std::vector<double> LoadReport::LatenciesMs() const {
  std::vector<double> all;
  for (const auto& [id, generation] : generations) {
    all.insert(all.end(), generation.latencies_ms.begin(), generation.latencies_ms.end());
  }
  return all;
}

LoadReport RunLoad(const std::shared_ptr<grpc::Channel>& channel, absl::Span<const LoadQuery> queries, const LoadOptions& options,
                   const LoadProgress& progress) {
  return LoadRun(channel, queries, options).Run(progress);
}

}  // namespace semblance::cli
