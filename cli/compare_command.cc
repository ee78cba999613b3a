#include "cli/compare_command.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/client/compare.h"
#include "cli/client/session.h"
#include "cli/text/compare_page.h"
#include "cli/text/generation_text.h"
#include "cli/text/table.h"
#include "common/file.h"
#include "common/program/process.h"

namespace semblance::cli {
namespace {

using nlohmann::ordered_json;

struct CompareFlags {
  std::vector<std::string> queries;
  int count = 20;
  int top_k = 8;
  std::string out = "compare.html";
};

CommandLine CompareCommand(CompareFlags& flags) {
  CommandLine command(
      "semblance generations compare", "A B [IMAGE...]",
      "Asks two loaded generations the same queries and draws their neighbors side by side, as one HTML file. Queries\n"
      "are items of the catalog, evenly chosen, or the images and folders that are given.");
  command.AddRepeatedFlag("queries", "IMAGE|DIR", "search by these; the labels of DIR/label/image.jpg count", &flags.queries);
  command.AddFlag("count", "N", "largest number of queries", &flags.count);
  command.AddFlag("top_k", "N", "neighbors of each query", &flags.top_k);
  command.AddFlag("out", "FILE", "file of the page", &flags.out);
  command.AddExample("semblance generations compare gen-000001 gen-000002 --out=compare.html");
  command.AddExample("semblance generations compare gen-000001 gen-000002 --queries=photos/ --count=50 --top_k=5");
  command.AddExample("semblance generations compare gen-000001 gen-000002 --queries=shoe.jpg --queries=boot.jpg --json");
  return command;
}

ordered_json OptionalNumber(const std::optional<double>& number) {
  return number.has_value() ? ordered_json(*number) : ordered_json(nullptr);
}

void PrintSummaryJson(const Comparison& comparison, const std::string& page, std::ostream& out) {
  ordered_json json = {{"page", page}, {"top_k", comparison.top_k}, {"mean_overlap", OptionalNumber(comparison.mean_overlap)}};
  json["generations"] = ordered_json::array();
  for (size_t side = 0; side < 2; ++side) {
    json["generations"].push_back({{"id", comparison.generations[side].id()},
                                   {"model", ModelName(comparison.generations[side])},
                                   {"label_precision", OptionalNumber(comparison.mean_label_precision[side])}});
  }
  json["queries"] = ordered_json::array();
  for (const ComparedQuery& query : comparison.queries) {
    ordered_json one = {{"name", query.name}, {"overlap", query.overlap}, {"label_precision", ordered_json::array()}};
    for (const ComparedAnswer& answer : query.answers) {
      one["label_precision"].push_back(OptionalNumber(answer.label_precision));
    }
    json["queries"].push_back(std::move(one));
  }
  json["left_out"] = comparison.left_out;
  // The names of files may contain bytes that are not UTF-8.
  out << json.dump(2, ' ', false, ordered_json::error_handler_t::replace) << "\n";
}

void PrintSummary(const Comparison& comparison, const std::string& page, std::ostream& out) {
  Table table({"generation", "model", absl::StrCat("label precision@", comparison.top_k)});
  for (size_t side = 0; side < 2; ++side) {
    const std::optional<double>& precision = comparison.mean_label_precision[side];
    table.AddRow({comparison.generations[side].id(), ModelName(comparison.generations[side]),
                  precision.has_value() ? absl::StrFormat("%.4f", *precision) : "-"});
  }
  out << table
      << absl::StrFormat("\nMean overlap@%d: %.4f over %d queries. The page is %s\n", comparison.top_k,
                         comparison.mean_overlap.value_or(0), comparison.queries.size(), page);
}

// Returns the queries in the order of the files, or of the catalog. Where that fails, sets *exit_code and returns nothing.
std::optional<std::vector<ComparedQuery>> ChooseQueries(Session& session, const CompareFlags& flags, int* exit_code) {
  std::vector<std::string> paths = flags.queries;
  paths.insert(paths.end(), session.arguments().begin() + 2, session.arguments().end());
  if (!paths.empty()) {
    absl::StatusOr<std::vector<ComparedQuery>> queries = ReadQueries(paths, static_cast<size_t>(flags.count));
    if (!queries.ok()) {
      *exit_code = session.Fail(queries.status());
      return std::nullopt;
    }
    return *std::move(queries);
  }
  std::vector<ComparedQuery> queries;
  if (const grpc::Status status = SampleCatalog(session, static_cast<size_t>(flags.count), &queries); !status.ok()) {
    *exit_code = session.Fail(status);
    return std::nullopt;
  }
  if (queries.empty()) {
    *exit_code = session.Fail(absl::FailedPreconditionError("the catalog is empty: there is nothing to compare"));
    return std::nullopt;
  }
  return queries;
}

}  // namespace

int RunCompare(const Arguments& args, const Streams& streams) {
  CompareFlags flags;
  CommandLine command = CompareCommand(flags);
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 2, SIZE_MAX)) {
    return *exit_code;
  }
  if (flags.count < 1 || flags.top_k < 1) {
    return session.Usage("--count and --top_k must be at least 1");
  }
  int exit_code = kExitDone;
  std::optional<std::vector<ComparedQuery>> queries = ChooseQueries(session, flags, &exit_code);
  if (!queries.has_value()) {
    return exit_code;
  }
  const CompareOptions options{.generations = {session.arguments()[0], session.arguments()[1]}, .top_k = flags.top_k};
  Comparison comparison;
  if (const grpc::Status status = Compare(session, options, *std::move(queries), &comparison); !status.ok()) {
    return session.Fail(status);
  }
  for (const std::string& left_out : comparison.left_out) {
    session.err() << "semblance: not asked: " << left_out << "\n";
  }
  if (comparison.queries.empty()) {
    return session.Fail(absl::InvalidArgumentError("no query could be asked"));
  }
  if (const absl::Status written = WriteFileAtomically(flags.out, ComparisonPage(comparison)); !written.ok()) {
    return session.Fail(written);
  }
  if (session.json()) {
    PrintSummaryJson(comparison, flags.out, session.out());
  } else {
    PrintSummary(comparison, flags.out, session.out());
  }
  return kExitDone;
}

}  // namespace semblance::cli
