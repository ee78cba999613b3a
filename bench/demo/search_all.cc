#include "bench/demo/search_all.h"

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/progress.h"
#include "common/quantile.h"
#include "common/status_macros.h"
#include "semblance/v1/search_service.grpc.pb.h"

namespace semblance::bench {
namespace {

constexpr int64_t kPrintedFailures = 5;

SearchOutcome OutcomeOf(const v1::SearchResponse& response) {
  SearchOutcome outcome;
  for (const v1::Neighbor& neighbor : response.result().neighbors()) {
    outcome.neighbor_ids.push_back(neighbor.item_id());
    outcome.neighbor_labels.push_back(neighbor.label());
  }
  return outcome;
}

}  // namespace

absl::StatusOr<SearchReport> SearchAll(const std::string& address, const dataset::Dataset& dataset,
                                       absl::Span<const int64_t> indices, int top_k) {
  const auto stub = v1::SearchService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  ProgressReporter progress("search", static_cast<int64_t>(indices.size()), "queries");
  SearchReport report;
  std::vector<double> milliseconds;
  int64_t hits = 0;
  const absl::Time start = absl::Now();
  for (const int64_t index : indices) {
    const dataset::Example& example = dataset.example(index);
    v1::SearchRequest request;
    SEMBLANCE_ASSIGN_OR_RETURN(*request.mutable_query()->mutable_image(), dataset.ReadImage(index));
    request.set_top_k(top_k);
    request.add_exclude_item_ids(example.id);
    v1::SearchResponse response;
    grpc::ClientContext context;
    const absl::Time sent = absl::Now();
    const grpc::Status status = stub->Search(&context, request, &response);
    milliseconds.push_back(absl::ToDoubleMilliseconds(absl::Now() - sent));
    SearchOutcome& outcome = report.outcomes.emplace_back(OutcomeOf(response));
    if (!status.ok() && ++report.failed_requests <= kPrintedFailures) {
      std::fprintf(stderr, "search %s: %s\n", example.id.c_str(), status.error_message().c_str());
    }
    hits += !outcome.neighbor_labels.empty() && outcome.neighbor_labels.front() == example.label ? 1 : 0;
    progress.Update(static_cast<int64_t>(milliseconds.size()), absl::StrCat(report.failed_requests, " failed"));
  }
  const double queries = static_cast<double>(indices.size());
  report.queries_per_second = queries / absl::ToDoubleSeconds(absl::Now() - start);
  report.recall_at_1 = static_cast<double>(hits) / queries;
  report.p50_ms = Quantile(milliseconds, 0.5);
  report.p99_ms = Quantile(std::move(milliseconds), 0.99);
  progress.Finish(absl::StrCat("done: ", indices.size(), " queries, ", report.failed_requests, " failed"));
  return report;
}

}  // namespace semblance::bench
