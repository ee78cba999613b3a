#include "cli/client/ingest_run.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/error_reason.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/parallel_for.h"
#include "semblance/v1/catalog_service.grpc.pb.h"

namespace semblance::cli {
namespace {

constexpr size_t kFailuresInDetail = 100;
// The limit for the images of one request, except that a larger image is sent alone. A server accepts 16 MiB by default.
constexpr size_t kMaxRequestBytes = size_t{12} << 20;
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(50);
constexpr absl::Duration kLongestBackoff = absl::Seconds(5);

// One run. Its workers take slices of the indices in turn.
class IngestRun {
 public:
  IngestRun(const std::shared_ptr<grpc::Channel>& channel, const dataset::Dataset& dataset, absl::Span<const int64_t> indices,
            const IngestOptions& options, const std::function<void(int64_t, int64_t)>& progress)
      : stub_(v1::CatalogService::NewStub(channel)), dataset_(dataset), indices_(indices), options_(options), progress_(progress) {}

  IngestReport Run() {
    RunOnThreads(options_.concurrency, [this](int /*thread*/) { Work(); });
    MutexLock lock(&mutex_);
    return report_;
  }

 private:
  void Work() {
    for (absl::Span<const int64_t> slice = NextSlice(); !slice.empty(); slice = NextSlice()) {
      StoreExamples(slice);
    }
  }

  void StoreExamples(absl::Span<const int64_t> indices) {
    std::vector<v1::Item> items;
    size_t bytes = 0;
    for (const int64_t index : indices) {
      std::optional<v1::Item> item = ReadItem(index);
      if (!item.has_value()) {
        continue;
      }
      if (bytes + item->image().size() > kMaxRequestBytes) {
        Store(items);
        items.clear();
        bytes = 0;
      }
      bytes += item->image().size();
      items.push_back(*std::move(item));
    }
    Store(items);
  }

  // Returns an empty slice at the end, or after a failed request.
  absl::Span<const int64_t> NextSlice() {
    MutexLock lock(&mutex_);
    const size_t begin = report_.failed_requests > 0 ? indices_.size() : next_;
    const absl::Span<const int64_t> slice = indices_.subspan(begin, static_cast<size_t>(options_.batch_size));
    next_ = begin + slice.size();
    return slice;
  }

  // Returns nothing, and records a failure, when the image cannot be read.
  std::optional<v1::Item> ReadItem(int64_t index) {
    const dataset::Example& example = dataset_.example(index);
    absl::StatusOr<std::string> image = dataset_.ReadImage(index);
    if (!image.ok()) {
      RecordFailure({example.id, "UNREADABLE", std::string(image.status().message())});
      return std::nullopt;
    }
    v1::Item item;
    item.set_id(absl::StrCat(options_.id_prefix, example.id));
    if (!example.label.empty()) {
      item.set_label(example.label);
    }
    item.set_image(*std::move(image));
    return item;
  }

  // The server stores a batch as a whole or not at all. When one of its images is bad, its items are sent one by one.
  void Store(const std::vector<v1::Item>& items) {
    if (items.empty()) {
      return;
    }
    const RpcError error = Upsert(items);
    if (error.code == grpc::StatusCode::OK) {
      return RecordStored(static_cast<int64_t>(items.size()));
    }
    if (error.code != grpc::StatusCode::INVALID_ARGUMENT && !IsMessageTooLarge(error)) {
      return RecordFailedRequest(error);
    }
    if (items.size() == 1) {
      return RecordFailure({items.front().id(),
                            error.reason.empty() ? ReasonName(v1::ERROR_REASON_MESSAGE_TOO_LARGE) : error.reason, error.message});
    }
    for (const v1::Item& item : items) {
      Store({item});
    }
  }

  // Tries again after transient errors, until a request of another worker has failed for good.
  RpcError Upsert(const std::vector<v1::Item>& items) {
    v1::UpsertItemsRequest request;
    request.mutable_items()->Add(items.begin(), items.end());
    const absl::Time give_up = absl::Now() + options_.retry_for;
    for (absl::Duration backoff = kFirstBackoff;; backoff = std::min(2 * backoff, kLongestBackoff)) {
      v1::UpsertItemsResponse response;
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(absl::Now() + options_.timeout));
      RpcError error = DescribeRpcError(stub_->UpsertItems(&context, request, &response));
      if (!IsTransient(error) || absl::Now() + backoff > give_up) {
        return error;
      }
      if (!PauseBeforeRetry(std::max(backoff, error.retry_delay.value_or(absl::ZeroDuration())))) {
        return error;
      }
    }
  }

  void RecordStored(int64_t count) {
    MutexLock lock(&mutex_);
    report_.stored += count;
    progress_(report_.stored + report_.failed_images, report_.retries);
  }

  void RecordFailure(IngestFailure failure) {
    MutexLock lock(&mutex_);
    ++report_.failed_images;
    if (report_.failures.size() < kFailuresInDetail) {
      report_.failures.push_back(std::move(failure));
    }
    progress_(report_.stored + report_.failed_images, report_.retries);
  }

  void RecordFailedRequest(const RpcError& error) {
    MutexLock lock(&mutex_);
    ++report_.failed_requests;
    report_.last_error = error;
    failed_.NotifyAll();
  }

  // False when the run has failed meanwhile.
  bool PauseBeforeRetry(absl::Duration pause) {
    MutexLock lock(&mutex_);
    ++report_.retries;
    return !failed_.WaitFor(mutex_, /*stop=*/{}, pause,
                            [this]() SEMBLANCE_REQUIRES(mutex_) { return report_.failed_requests > 0; });
  }

  const std::unique_ptr<v1::CatalogService::Stub> stub_;
  const dataset::Dataset& dataset_;
  const absl::Span<const int64_t> indices_;
  const IngestOptions options_;
  const std::function<void(int64_t, int64_t)>& progress_;

  Mutex mutex_;
  Condition failed_;
  size_t next_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  IngestReport report_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace

IngestReport Ingest(const std::shared_ptr<grpc::Channel>& channel, const dataset::Dataset& dataset,
                    absl::Span<const int64_t> indices, const IngestOptions& options,
                    const std::function<void(int64_t, int64_t)>& progress) {
  return IngestRun(channel, dataset, indices, options, progress).Run();
}

}  // namespace semblance::cli
