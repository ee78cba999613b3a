#include "tests/integration/live_traffic.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/threads/stop.h"
#include "gtest/gtest.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "tests/testing/waits.h"

namespace semblance::testing {
namespace {

constexpr int kTopK = 5;
constexpr int kBatch = 4;
// A writer uses its ids again after this many batches.
constexpr int kCycle = 12;
constexpr size_t kMaxFaults = 8;
// A call may take this long on an overloaded machine.
constexpr absl::Duration kDeadline = absl::Seconds(60);
constexpr absl::Duration kPause = absl::Milliseconds(3);

std::unique_ptr<grpc::ClientContext> NewContext() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
  return context;
}

void AddItem(const PictureOracle& oracle, const std::string& id, v1::UpsertItemsRequest& request) {
  v1::Item& item = *request.add_items();
  item.set_id(id);
  item.set_image(oracle.image(PictureOracle::PictureOf(id)));
}

RichError Upsert(v1::CatalogService::Stub& catalog, const v1::UpsertItemsRequest& request, Ledger& ledger) {
  for (const v1::Item& item : request.items()) {
    ledger.Begin(item.id());
  }
  v1::UpsertItemsResponse response;
  RichError error = Describe(catalog.UpsertItems(NewContext().get(), request, &response));
  if (error.ok()) {
    for (const v1::Item& item : request.items()) {
      ledger.Acknowledge(item.id(), true);
    }
    ledger.RaiseSequence(response.sequences(response.sequences_size() - 1));
  }
  return error;
}

RichError Delete(v1::CatalogService::Stub& catalog, const std::string& id, Ledger& ledger) {
  v1::DeleteItemsRequest request;
  request.add_ids(id);
  ledger.Begin(id);
  v1::DeleteItemsResponse response;
  RichError error = Describe(catalog.DeleteItems(NewContext().get(), request, &response));
  if (error.ok()) {
    ledger.Acknowledge(id, false);
    ledger.RaiseSequence(response.provenance().applied_sequence());
  }
  return error;
}

// Repeats the call while the generation has not applied min_sequence, because an inactive generation may lag a little.
RichError SearchWhenApplied(v1::SearchService::Stub& search, const v1::SearchRequest& request, v1::SearchResponse* response) {
  const absl::Time give_up = absl::Now() + kDeadline;
  RichError error;
  // The server tells nobody which writes an inactive generation has applied.
  PollUntil([&] {
    error = Describe(search.Search(NewContext().get(), request, response));
    return error.reason != "SEQUENCE_NOT_APPLIED" || absl::Now() > give_up;
  });
  return error;
}

}  // namespace

void Ledger::Begin(const std::string& id) {
  const MutexLock lock(&mutex_);
  present_.erase(id);
}

void Ledger::Acknowledge(const std::string& id, bool present) {
  const MutexLock lock(&mutex_);
  present_[id] = present;
}

std::map<std::string, bool> Ledger::Known() const {
  const MutexLock lock(&mutex_);
  return present_;
}

uint64_t Ledger::last_sequence() const {
  const MutexLock lock(&mutex_);
  return last_sequence_;
}

void Ledger::RaiseSequence(uint64_t sequence) {
  const MutexLock lock(&mutex_);
  last_sequence_ = std::max(last_sequence_, sequence);
}

void WriteBaseItems(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, Ledger& ledger,
                    const std::map<int, std::string>& labels) {
  v1::UpsertItemsRequest request;
  for (int picture = 0; picture < PictureOracle::kPictures; ++picture) {
    AddItem(oracle, absl::StrCat("base/", picture), request);
    if (const auto label = labels.find(picture); label != labels.end()) {
      request.mutable_items(picture)->set_label(label->second);
    }
  }
  const RichError error = Upsert(*v1::CatalogService::NewStub(channel), request, ledger);
  ASSERT_TRUE(error.ok()) << error;
}

RichError WriteItems(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, const std::string& prefix,
                     int count, Ledger& ledger) {
  const auto catalog = v1::CatalogService::NewStub(channel);
  RichError error;
  for (int begin = 0; begin < count && error.ok(); begin += 128) {
    v1::UpsertItemsRequest request;
    for (int i = begin; i < std::min(begin + 128, count); ++i) {
      AddItem(oracle, absl::StrCat(prefix, "/", i, "/", i % PictureOracle::kPictures), request);
    }
    error = Upsert(*catalog, request, ledger);
  }
  return error;
}

void ExpectLedgerHolds(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, const Ledger& ledger,
                       const std::string& generation) {
  const auto search = v1::SearchService::NewStub(channel);
  v1::SearchRequest request;
  request.set_top_k(kTopK);
  request.set_generation(generation);
  request.set_min_sequence(ledger.last_sequence());
  for (const auto& [id, present] : ledger.Known()) {
    request.mutable_query()->set_item_id(id);
    v1::SearchResponse response;
    const RichError error = SearchWhenApplied(*search, request, &response);
    if (!present) {
      EXPECT_EQ(error.reason, "ITEM_NOT_FOUND") << id << " was deleted and is in " << generation << ": " << error;
      continue;
    }
    ASSERT_TRUE(error.ok()) << id << " was written and is not in " << generation << ": " << error;
    EXPECT_EQ(response.provenance().generation(), generation);
    EXPECT_EQ(oracle.FaultOf(response, PictureOracle::PictureOf(id)), "") << id;
  }
}

LiveTraffic::LiveTraffic(std::shared_ptr<grpc::Channel> channel, const PictureOracle* oracle, Ledger* ledger,
                         const Options& options)
    : channel_(std::move(channel)), oracle_(oracle), ledger_(ledger), options_(options) {
  for (int i = 0; i < options_.searchers; ++i) {
    AddClient(&LiveTraffic::Search, i);
  }
  for (int i = 0; i < options_.writers; ++i) {
    AddClient(&LiveTraffic::Write, i);
  }
}

LiveTraffic::~LiveTraffic() {
  Stop();
}

void LiveTraffic::AddClient(void (LiveTraffic::*run)(int client, const std::stop_token& stop), int client) {
  {
    const MutexLock lock(&mutex_);
    ++running_;
  }
  clients_.emplace_back("client", [this, run, client](const std::stop_token& stop) {
    (this->*run)(client, stop);
    const MutexLock lock(&mutex_);
    --running_;
    changed_.NotifyAll();
  });
}

void LiveTraffic::Stop() {
  for (Worker& client : clients_) {
    client.RequestStop();
  }
  for (Worker& client : clients_) {
    client.Stop();
  }
}

int64_t LiveTraffic::searches() const {
  const MutexLock lock(&mutex_);
  return searches_;
}

int64_t LiveTraffic::writes() const {
  const MutexLock lock(&mutex_);
  return writes_;
}

std::vector<std::string> LiveTraffic::faults() const {
  const MutexLock lock(&mutex_);
  return faults_;
}

std::set<std::string> LiveTraffic::generations() const {
  const MutexLock lock(&mutex_);
  return generations_;
}

void LiveTraffic::AwaitMore(int64_t count) {
  const MutexLock lock(&mutex_);
  const int64_t searches = options_.searchers > 0 ? searches_ + count : 0;
  const int64_t writes = options_.writers > 0 ? writes_ + count : 0;
  changed_.Wait(mutex_, /*stop=*/{},
                [&]() SEMBLANCE_REQUIRES(mutex_) { return running_ == 0 || (searches_ >= searches && writes_ >= writes); });
}

void LiveTraffic::Count(int64_t LiveTraffic::*counter) {
  const MutexLock lock(&mutex_);
  ++(this->*counter);
  changed_.NotifyAll();
}

bool LiveTraffic::Survives(const RichError& error, const std::string& what) {
  if (error.ok()) {
    return true;
  }
  if (options_.errors == Errors::kEndTheClient) {
    return false;
  }
  AddFault(absl::StrCat(what, ": code ", error.code, " ", error.reason, ": ", error.message));
  return true;
}

void LiveTraffic::AddFault(const std::string& fault) {
  const MutexLock lock(&mutex_);
  if (faults_.size() < kMaxFaults) {
    faults_.push_back(fault);
  }
}

void LiveTraffic::Search(int client, const std::stop_token& stop) {
  const auto search = v1::SearchService::NewStub(channel_);
  for (int i = client; !stop.stop_requested(); ++i) {
    const int picture = i % PictureOracle::kPictures;
    v1::SearchRequest request;
    request.mutable_query()->set_image(oracle_->image(picture));
    request.set_top_k(kTopK);
    request.set_min_sequence(ledger_->last_sequence());
    v1::SearchResponse response;
    const RichError error = Describe(search->Search(NewContext().get(), request, &response));
    if (!Survives(error, "search")) {
      return;
    }
    if (error.ok()) {
      std::string fault = oracle_->FaultOf(response, picture);
      const auto& neighbors = response.result().neighbors();
      // "base/PICTURE" always exists.
      if (fault.empty() && (neighbors.size() < kTopK || neighbors.at(0).score() < 1 - PictureOracle::kTolerance)) {
        fault = absl::StrCat("the answer to picture ", picture, " lacks the picture itself, or has ", neighbors.size(), " items");
      }
      if (!fault.empty()) {
        AddFault(fault);
      }
      Count(&LiveTraffic::searches_);
      const MutexLock lock(&mutex_);
      generations_.insert(response.provenance().generation());
    }
    WaitForStop(stop, kPause);
  }
}

void LiveTraffic::Write(int client, const std::stop_token& stop) {
  const auto catalog = v1::CatalogService::NewStub(channel_);
  for (int batch = 0; !stop.stop_requested(); ++batch) {
    v1::UpsertItemsRequest request;
    for (int i = 0; i < kBatch; ++i) {
      const int number = (batch % kCycle) * kBatch + i;
      AddItem(*oracle_, absl::StrCat(options_.prefix, "/", client, "/", number, "/", number % PictureOracle::kPictures), request);
    }
    RichError error = Upsert(*catalog, request, *ledger_);
    if (error.ok() && batch % 2 == 1) {
      error = Delete(*catalog, request.items(batch % kBatch).id(), *ledger_);
    }
    if (!Survives(error, "write")) {
      return;
    }
    Count(&LiveTraffic::writes_);
    WaitForStop(stop, kPause);
  }
}

}  // namespace semblance::testing
