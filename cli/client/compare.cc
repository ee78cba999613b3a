#include "cli/client/compare.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error_reason.h"
#include "common/file.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/generation_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"

namespace semblance::cli {
namespace {

// Returns the middle of each of `count` equal parts of [0, size), or all indices when there are fewer.
std::vector<size_t> EvenlyChosen(size_t size, size_t count) {
  count = std::min(size, count);
  std::vector<size_t> chosen;
  for (size_t i = 0; i < count; ++i) {
    chosen.push_back((2 * i + 1) * size / (2 * count));
  }
  return chosen;
}

// An image that may become a query. It is a file, or an example of a data set.
struct Candidate {
  std::string path;
  const dataset::Dataset* dataset = nullptr;
  int64_t index = 0;
};

absl::StatusOr<ComparedQuery> ReadQuery(const Candidate& candidate) {
  ComparedQuery query;
  if (candidate.dataset == nullptr) {
    query.name = candidate.path;
    SEMBLANCE_ASSIGN_OR_RETURN(query.image, ReadFile(candidate.path));
  } else {
    const dataset::Example& example = candidate.dataset->example(candidate.index);
    query.name = example.id;
    if (!example.label.empty()) {
      query.label = example.label;
    }
    SEMBLANCE_ASSIGN_OR_RETURN(query.image, candidate.dataset->ReadImage(candidate.index));
  }
  if (query.image.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(query.name, " is empty"));
  }
  return query;
}

ComparedAnswer AnswerOf(const v1::SearchResult& result) {
  ComparedAnswer answer;
  for (const v1::Neighbor& neighbor : result.neighbors()) {
    ComparedNeighbor& added = answer.neighbors.emplace_back();
    added.item_id = neighbor.item_id();
    added.score = neighbor.score();
    if (neighbor.has_label()) {
      added.label = neighbor.label();
    }
  }
  return answer;
}

// Returns true when the error is about this query alone, so that others may succeed.
bool ConcernsOneQuery(const RpcError& error) {
  return ReasonFromName(error.reason) == v1::ERROR_REASON_ITEM_NOT_FOUND ||
         (error.code == grpc::StatusCode::INVALID_ARGUMENT && absl::StartsWith(error.field, "query"));
}

class CompareRun {
 public:
  CompareRun(Session* session, const CompareOptions* options, Comparison* comparison)
      : session_(*session),
        options_(*options),
        comparison_(*comparison),
        generations_(v1::GenerationService::NewStub(session->channel())),
        search_(v1::SearchService::NewStub(session->channel())),
        catalog_(v1::CatalogService::NewStub(session->channel())) {}

  grpc::Status ReadGenerations() {
    for (size_t side = 0; side < 2; ++side) {
      v1::GetGenerationRequest request;
      request.set_generation(options_.generations[side]);
      v1::GetGenerationResponse response;
      grpc::Status status = generations_->GetGeneration(session_.NewContext().get(), request, &response);
      if (!status.ok()) {
        return status;
      }
      comparison_.generations[side] = response.generation();
    }
    return grpc::Status::OK;
  }

  grpc::Status SearchAll(std::vector<ComparedQuery> queries) {
    ProgressReporter progress("compare", static_cast<int64_t>(queries.size()), "queries");
    int64_t done = 0;
    for (ComparedQuery& query : queries) {
      grpc::Status status = SearchBoth(query);
      if (status.ok()) {
        image_bytes_ += static_cast<int64_t>(query.image.size());
        comparison_.queries.push_back(std::move(query));
      } else if (const RpcError error = DescribeRpcError(status); ConcernsOneQuery(error)) {
        comparison_.left_out.push_back(absl::StrCat(query.name, ": ", error.message));
      } else {
        return status;
      }
      progress.Update(++done, "");
    }
    return grpc::Status::OK;
  }

  grpc::Status FetchImages() {
    ProgressReporter progress("images", 0, "images");
    for (const ComparedQuery& query : comparison_.queries) {
      grpc::Status status = query.is_item() ? FetchImage(query.name) : grpc::Status::OK;
      for (const ComparedAnswer& answer : query.answers) {
        for (size_t i = 0; i < answer.neighbors.size() && status.ok(); ++i) {
          status = FetchImage(answer.neighbors[i].item_id);
        }
      }
      if (!status.ok()) {
        return status;
      }
      progress.Update(static_cast<int64_t>(comparison_.images.size()), "");
    }
    return grpc::Status::OK;
  }

 private:
  grpc::Status SearchBoth(ComparedQuery& query) {
    v1::SearchRequest request;
    request.set_top_k(options_.top_k);
    if (query.is_item()) {
      request.mutable_query()->set_item_id(query.name);
    } else {
      request.mutable_query()->set_image(query.image);
    }
    for (size_t side = 0; side < 2; ++side) {
      request.set_generation(options_.generations[side]);
      v1::SearchResponse response;
      grpc::Status status = search_->Search(session_.NewContext().get(), request, &response);
      if (!status.ok()) {
        return status;
      }
      if (response.provenance().generation() != options_.generations[side]) {
        return {grpc::StatusCode::INTERNAL,
                absl::StrCat("asked for an answer from ", options_.generations[side], ", the server answered from ",
                             response.provenance().generation(), "; is it too old to know SearchRequest.generation?")};
      }
      query.answers[side] = AnswerOf(response.result());
    }
    return grpc::Status::OK;
  }

  // An item that was deleted, or for which there is no room, is not an error.
  grpc::Status FetchImage(const std::string& id) {
    if (!requested_.insert(id).second) {
      return grpc::Status::OK;
    }
    if (image_bytes_ >= options_.max_image_bytes) {
      ++comparison_.images_without_room;
      return grpc::Status::OK;
    }
    v1::GetItemRequest request;
    request.set_id(id);
    request.set_include_image(true);
    v1::GetItemResponse response;
    grpc::Status status = catalog_->GetItem(session_.NewContext().get(), request, &response);
    if (!status.ok()) {
      return status.error_code() == grpc::StatusCode::NOT_FOUND ? grpc::Status::OK : status;
    }
    image_bytes_ += static_cast<int64_t>(response.item().image().size());
    if (image_bytes_ > options_.max_image_bytes) {
      ++comparison_.images_without_room;
      return grpc::Status::OK;
    }
    comparison_.images[id] = std::move(*response.mutable_item()->mutable_image());
    return grpc::Status::OK;
  }

  Session& session_;
  const CompareOptions& options_;
  Comparison& comparison_;
  const std::unique_ptr<v1::GenerationService::Stub> generations_;
  const std::unique_ptr<v1::SearchService::Stub> search_;
  const std::unique_ptr<v1::CatalogService::Stub> catalog_;
  // The ids whose images were requested.
  std::set<std::string> requested_;
  int64_t image_bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<ComparedQuery>> ReadQueries(const std::vector<std::string>& paths, size_t count) {
  std::vector<std::unique_ptr<dataset::Dataset>> datasets;
  std::vector<Candidate> candidates;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(path, ignored)) {
      candidates.push_back({.path = path});
      continue;
    }
    SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<dataset::Dataset> dataset, dataset::OpenDataset(path));
    for (int64_t index = 0; index < dataset->size(); ++index) {
      candidates.push_back({.path = "", .dataset = dataset.get(), .index = index});
    }
    datasets.push_back(std::move(dataset));
  }
  if (candidates.empty()) {
    return absl::InvalidArgumentError("there is no image to compare by");
  }
  std::vector<ComparedQuery> queries;
  for (const size_t index : EvenlyChosen(candidates.size(), count)) {
    SEMBLANCE_ASSIGN_OR_RETURN(ComparedQuery query, ReadQuery(candidates[index]));
    queries.push_back(std::move(query));
  }
  return queries;
}

grpc::Status SampleCatalog(Session& session, size_t count, std::vector<ComparedQuery>* queries) {
  v1::GetServerInfoResponse info;
  grpc::Status status = v1::AdminService::NewStub(session.channel())->GetServerInfo(session.NewContext().get(), {}, &info);
  const std::vector<size_t> chosen = EvenlyChosen(static_cast<size_t>(info.item_count()), count);
  const auto stub = v1::CatalogService::NewStub(session.channel());
  v1::ListItemsRequest request;
  request.set_page_size(info.limits().max_page_size());
  size_t page_begin = 0;
  while (status.ok() && queries->size() < chosen.size()) {
    v1::ListItemsResponse page;
    status = stub->ListItems(session.NewContext().get(), request, &page);
    const auto size = static_cast<size_t>(page.items_size());
    while (queries->size() < chosen.size() && chosen[queries->size()] < page_begin + size) {
      const v1::Item& item = page.items(static_cast<int>(chosen[queries->size()] - page_begin));
      ComparedQuery& query = queries->emplace_back();
      query.name = item.id();
      if (item.has_label()) {
        query.label = item.label();
      }
    }
    if (page.next_page_token().empty()) {
      break;
    }
    page_begin += size;
    request.set_page_token(page.next_page_token());
  }
  return status;
}

grpc::Status Compare(Session& session, const CompareOptions& options, std::vector<ComparedQuery> queries, Comparison* comparison) {
  comparison->top_k = options.top_k;
  CompareRun run(&session, &options, comparison);
  if (grpc::Status status = run.ReadGenerations(); !status.ok()) {
    return status;
  }
  if (grpc::Status status = run.SearchAll(std::move(queries)); !status.ok()) {
    return status;
  }
  Score(*comparison);
  return run.FetchImages();
}

}  // namespace semblance::cli
