#include "bench/reload/load.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/time/clock.h"

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
  std::vector<std::thread> clients;
  for (size_t t = 0; t < answers.size(); ++t) {
    clients.emplace_back([&, t] {
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
  }
  for (std::thread& client : clients) {
    client.join();
  }
  const absl::Duration elapsed = absl::Now() - start;
  // Compared only now: beside the searches it would take the server's time.
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
      search_thread_([this, rate] { SearchLoop(rate); }),
      write_thread_([this, write_rate] { WriteLoop(write_rate); }) {}

void Load::Stop() {
  stop_ = true;
  if (search_thread_.joinable()) {
    search_thread_.join();
    write_thread_.join();
  }
  while (in_flight_.load() > 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
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

void Load::SearchLoop(double rate) {
  const absl::Duration interval = absl::Seconds(1) / rate;
  absl::Time due = absl::Now();
  for (size_t i = 0; !stop_; ++i) {
    due += interval;
    absl::SleepFor(due - absl::Now());
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
  }
  in_flight_.fetch_add(1);
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
                               if (status.ok()) {
                                 MutexLock lock(&mutex_);
                                 latencies_[phase].push_back(latency);
                               }
                               in_flight_.fetch_sub(1);
                             });
}

void Load::WriteLoop(double rate) {
  for (size_t i = 0; !stop_ && rate > 0; ++i) {
    absl::SleepFor(absl::Seconds(1) / rate);
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
