#include "bench/reload/load.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/time/clock.h"
#include "common/threads/parallel_for.h"
#include "common/threads/stop.h"

namespace semblance::bench {
namespace {

constexpr int kTopK = 10;

v1::SearchRequest RequestOf(const std::string& image) {
  v1::SearchRequest request;
  request.mutable_query()->set_image(image);
  request.set_top_k(kTopK);
  return request;
}

// A search in flight.
struct Call {
  grpc::ClientContext context;
  v1::SearchRequest request;
  v1::SearchResponse response;
};

struct Answer {
  size_t query = 0;
  v1::SearchResponse response;
};

void Report(const char* what, const grpc::Status& status) {
  std::fprintf(stderr, "%s failed: %d %s\n", what, static_cast<int>(status.error_code()), status.error_message().c_str());
}

}  // namespace

Capacity MeasureCapacity(const std::shared_ptr<grpc::Channel>& channel, const Oracle& oracle, int threads,
                         absl::Duration duration) {
  std::atomic<int64_t> failed = 0;
  std::vector<std::vector<Answer>> answers(static_cast<size_t>(threads));
  const absl::Time start = absl::Now();
  RunOnThreads(threads, [&](int thread) {
    const auto t = static_cast<size_t>(thread);
    const auto stub = v1::SearchService::NewStub(channel);
    for (size_t i = t; absl::Now() < start + duration; ++i) {
      const size_t query = i % oracle.queries().size();
      Call call;
      call.request = RequestOf(oracle.queries()[query]);
      if (const grpc::Status status = stub->Search(&call.context, call.request, &call.response); status.ok()) {
        answers[t].push_back({.query = query, .response = std::move(call.response)});
      } else {
        failed.fetch_add(1);
        Report("search", status);
      }
    }
  });
  const absl::Duration elapsed = absl::Now() - start;
  // Answers are compared after the load, because comparing would take processor time from the server.
  Capacity capacity;
  capacity.failed = failed.load();
  for (const std::vector<Answer>& of_client : answers) {
    capacity.searches += static_cast<int64_t>(of_client.size());
    capacity.mixed += std::count_if(of_client.begin(), of_client.end(), [&oracle](const Answer& answer) {
      return !oracle.Agrees(answer.query, answer.response, kTopK);
    });
  }
  capacity.per_second = static_cast<double>(capacity.searches) / absl::ToDoubleSeconds(elapsed);
  capacity.searches += capacity.failed;
  return capacity;
}

Load::Load(const std::shared_ptr<grpc::Channel>& channel, const Oracle* oracle, double rate, double write_rate)
    : searcher_(v1::SearchService::NewStub(channel)),
      writer_(v1::CatalogService::NewStub(channel)),
      oracle_(oracle),
      search_thread_("search load", [this, rate](const std::stop_token& stop) { SearchLoop(rate, stop); }),
      write_thread_("write load", [this, write_rate](const std::stop_token& stop) { WriteLoop(write_rate, stop); }) {}

void Load::Stop() {
  search_thread_.RequestStop();
  write_thread_.Stop();
  search_thread_.Stop();
  MutexLock lock(&mutex_);
  answered_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return in_flight_ == 0; });
}

void Load::BeginPhase(const std::string& phase) {
  MutexLock lock(&mutex_);
  phase_ = phase;
}

std::vector<double> Load::LatenciesOf(const std::string& phase) const {
  MutexLock lock(&mutex_);
  const auto found = latencies_.find(phase);
  return found == latencies_.end() ? std::vector<double>() : found->second;
}

void Load::SearchLoop(double rate, const std::stop_token& stop) {
  const absl::Duration interval = absl::Seconds(1) / rate;
  absl::Time due = absl::Now();
  for (size_t i = 0; !stop.stop_requested(); ++i) {
    due += interval;
    WaitForStop(stop, due - absl::Now());
    Send(i % oracle_->queries().size(), due);
  }
}

void Load::Send(size_t query, absl::Time due) {
  auto call = std::make_shared<Call>();
  call->request = RequestOf(oracle_->queries()[query]);
  call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  std::string phase;
  {
    MutexLock lock(&mutex_);
    phase = phase_;
    ++in_flight_;
  }
  searches_.fetch_add(1);
  Call* const raw = call.get();
  searcher_->async()->Search(&raw->context, &raw->request, &raw->response,
                             [this, call, query, due, phase](const grpc::Status& status) {
                               const double latency = absl::ToDoubleMilliseconds(absl::Now() - due);
                               if (!status.ok()) {
                                 failed_.fetch_add(1);
                                 Report("search", status);
                               } else if (!oracle_->Agrees(query, call->response, kTopK)) {
                                 mixed_.fetch_add(1);
                               }
                               // This runs under the lock. As soon as the lock is free, Stop may return and this object may be
                               // destroyed.
                               MutexLock lock(&mutex_);
                               if (status.ok()) {
                                 latencies_[phase].push_back(latency);
                               }
                               --in_flight_;
                               answered_.NotifyAll();
                             });
}

void Load::WriteLoop(double rate, const std::stop_token& stop) {
  for (size_t i = 0; rate > 0 && !WaitForStop(stop, absl::Seconds(1) / rate); ++i) {
    v1::UpsertItemsRequest request;
    const size_t item = i * 7919 % oracle_->items().size();
    request.add_items()->set_id(Oracle::ItemId(item));
    request.mutable_items(0)->set_image(oracle_->items()[item]);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::UpsertItemsResponse response;
    writes_.fetch_add(1);
    if (const grpc::Status status = writer_->UpsertItems(&context, request, &response); !status.ok()) {
      failed_.fetch_add(1);
      Report("write", status);
    }
  }
}

}  // namespace semblance::bench
