#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "cli/client/session.h"
#include "cli/commands.h"
#include "cli/text/table.h"
#include "common/file.h"
#include "common/program/process.h"
#include "semblance/v1/search_service.grpc.pb.h"

namespace semblance::cli {
namespace {

void PrintNeighbors(const v1::SearchResponse& response, std::ostream& out) {
  Table table({"rank", "item", "score", "label"});
  int rank = 0;
  for (const v1::Neighbor& neighbor : response.result().neighbors()) {
    table.AddRow({absl::StrCat(++rank), neighbor.item_id(), absl::StrFormat("%.4f", neighbor.score()),
                  neighbor.has_label() ? neighbor.label() : "-"});
  }
  out << table << "\nGeneration " << response.provenance().generation() << " of model " << response.provenance().model()
      << ", applied sequence " << response.provenance().applied_sequence() << "\n";
}

}  // namespace

int RunSearch(const Arguments& args, const Streams& streams) {
  std::string item;
  std::string exclude;
  int top_k = 10;
  bool attributes = false;
  CommandLine command("semblance search", "IMAGE", "Finds the items most similar to an image, or with --item to a stored item.");
  command.AddFlag("item", "ID", "search by this stored item instead of an image", &item);
  command.AddFlag("top_k", "N", "how many items to return", &top_k);
  command.AddFlag("exclude", "ID,ID,...", "items to leave out", &exclude);
  command.AddFlag("attributes", "return the items' attributes (shown with --json)", &attributes);
  command.AddExample("semblance search shoe.jpg --top_k=5");
  command.AddExample("semblance search --item=shoes/0012.jpg --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args)) {
    return *exit_code;
  }
  if (session.arguments().size() + (item.empty() ? 0 : 1) != 1) {
    return session.Usage("search takes one IMAGE, or --item=ID; see semblance search --help");
  }
  v1::SearchRequest request;
  if (item.empty()) {
    absl::StatusOr<std::string> image = ReadFile(session.arguments().front());
    if (!image.ok()) {
      return session.Fail(image.status());
    }
    request.mutable_query()->set_image(*std::move(image));
  } else {
    request.mutable_query()->set_item_id(item);
  }
  request.set_top_k(top_k);
  request.set_include_attributes(attributes);
  for (const absl::string_view id : absl::StrSplit(exclude, ',', absl::SkipEmpty())) {
    request.add_exclude_item_ids(std::string(id));
  }
  v1::SearchResponse response;
  const grpc::Status status = v1::SearchService::NewStub(session.channel())->Search(session.NewContext().get(), request, &response);
  if (!status.ok()) {
    return session.Fail(status);
  }
  if (session.json()) {
    session.PrintJson(response);
  } else {
    PrintNeighbors(response, session.out());
  }
  return kExitDone;
}

}  // namespace semblance::cli
