// semblance-demo-report is the last step of "make demo". It searches all test images through the running server, compares the
// results with the baselines, and writes report.json and neighbours.png.
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/demo/contact_sheet.h"
#include "bench/demo/raw_pixels.h"
#include "bench/demo/search_all.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/program/process.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "embedder/bundle/bundle.h"

namespace semblance::bench {
namespace {

constexpr int kTopK = 8;
constexpr size_t kSheetRows = 12;

struct Flags {
  std::string server = "127.0.0.1:50051";
  std::string data;
  std::string bundle;
  std::string ingest_report;
  std::string output_dir = "build/demo";
};

CommandLine ReportCommand(Flags& flags) {
  CommandLine command("semblance-demo-report", "", "Searches all test images through the server and reports what it found.");
  command.AddFlag("server", "ADDR", "the running server", &flags.server);
  command.AddFlag("data", "PATH", "the data set whose test images were ingested", &flags.data);
  command.AddFlag("bundle", "DIR", "the bundle that the server serves", &flags.bundle);
  command.AddFlag("ingest_report", "FILE", "what \"semblance ingest --json\" printed", &flags.ingest_report);
  command.AddFlag("output_dir", "DIR", "where report.json and neighbours.png go", &flags.output_dir);
  command.AddExample(
      "semblance-demo-report --server=127.0.0.1:50051 --data=photos --bundle=build/demo/bundle --ingest_report=i.json");
  return command;
}

double RecallAt1(const google::protobuf::RepeatedPtrField<storage::v1::RecallAtK>& recall) {
  const auto found = std::find_if(recall.begin(), recall.end(), [](const auto& entry) { return entry.k() == 1; });
  return found == recall.end() ? 0 : found->recall();
}

// Takes one query of each class in turn, until the sheet is full.
std::vector<size_t> ChooseQueries(const dataset::Dataset& dataset, const std::vector<int64_t>& indices) {
  std::map<std::string, std::vector<size_t>> by_label;
  for (size_t i = 0; i < indices.size(); ++i) {
    by_label[dataset.example(indices[i]).label].push_back(i);
  }
  std::vector<size_t> chosen;
  for (size_t round = 0; chosen.size() < std::min(kSheetRows, indices.size()); ++round) {
    for (const auto& [label, positions] : by_label) {
      if (round < positions.size() && chosen.size() < kSheetRows) {
        chosen.push_back(positions[round]);
      }
    }
  }
  return chosen;
}

absl::Status DrawNeighbors(const std::string& path, const dataset::Dataset& dataset, const std::vector<int64_t>& indices,
                           const SearchReport& report) {
  std::map<std::string, int64_t> index_of;
  for (const int64_t index : indices) {
    index_of[dataset.example(index).id] = index;
  }
  std::vector<ContactRow> rows;
  for (const size_t query : ChooseQueries(dataset, indices)) {
    const std::string& label = dataset.example(indices[query]).label;
    ContactRow row;
    SEMBLANCE_ASSIGN_OR_RETURN(row.query.image, dataset.ReadImage(indices[query]));
    row.query.caption = absl::StrCat("? ", label);
    const SearchOutcome& outcome = report.outcomes[query];
    for (size_t i = 0; i < outcome.neighbor_ids.size(); ++i) {
      ContactCell cell{.image = "", .caption = outcome.neighbor_labels[i], .right = outcome.neighbor_labels[i] == label};
      SEMBLANCE_ASSIGN_OR_RETURN(cell.image, dataset.ReadImage(index_of.at(outcome.neighbor_ids[i])));
      row.neighbors.push_back(std::move(cell));
    }
    rows.push_back(std::move(row));
  }
  return WriteContactSheet(path, rows);
}

void PrintTable(const nlohmann::ordered_json& report) {
  std::printf("\n");
  for (const auto& [key, value] : report.items()) {
    std::printf("  %-28s %s\n", key.c_str(),
                value.is_number_float() ? absl::StrFormat("%.4f", value.get<double>()).c_str() : value.dump().c_str());
  }
  std::printf("\n");
}

absl::Status Report(const Flags& flags) {
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, embedder::ReadBundleManifest(flags.bundle));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<dataset::Dataset> dataset, dataset::OpenDataset(flags.data));
  SEMBLANCE_ASSIGN_OR_RETURN(const dataset::SplitIndices split, dataset::AssignSplit(*dataset, dataset::HoldOut::kItems, 0.2));
  if (split.test.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(flags.data, " has no test images"));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string ingest_json, ReadFile(flags.ingest_report));
  const nlohmann::json ingest = nlohmann::json::parse(ingest_json, nullptr, /*allow_exceptions=*/false);
  if (!ingest.is_object() || !ingest.contains("images_per_second") || !ingest.contains("failed_requests")) {
    return absl::InvalidArgumentError(absl::StrCat(flags.ingest_report, " is not a report of semblance ingest --json"));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const SearchReport search, SearchAll(flags.server, *dataset, split.test, kTopK));
  SEMBLANCE_ASSIGN_OR_RETURN(const double raw_pixels, RawPixelRecallAt1(*dataset, split.test, bundle.preprocessing()));

  nlohmann::ordered_json report;
  report["recall_at_1"] = search.recall_at_1;
  report["recall_at_1_offline"] = RecallAt1(bundle.training().recall());
  report["recall_at_1_raw_pixels"] = raw_pixels;
  report["recall_at_1_untrained"] = RecallAt1(bundle.training().untrained_recall());
  report["train_seconds"] = bundle.training().train_seconds();
  report["ingest_images_per_second"] = ingest["images_per_second"];
  report["search_p50_ms"] = search.p50_ms;
  report["search_p99_ms"] = search.p99_ms;
  report["search_queries_per_second"] = search.queries_per_second;
  report["failed_requests"] = search.failed_requests + ingest["failed_requests"].get<int64_t>();
  report["train_images"] = bundle.training().train_examples();
  report["test_images"] = split.test.size();
  PrintTable(report);
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(flags.output_dir));
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(flags.output_dir + "/report.json", report.dump(2) + "\n"));
  return DrawNeighbors(flags.output_dir + "/neighbours.png", *dataset, split.test, search);
}

int Main(int argc, char** argv) {
  InitLogging(argv[0]);
  Flags flags;
  CommandLine command = ReportCommand(flags);
  const auto arguments = command.Parse(std::vector<std::string>(argv + 1, argv + argc));
  if (!command.requested_text().empty()) {
    std::fputs(command.requested_text().c_str(), stdout);
    return kExitDone;
  }
  if (!arguments.ok()) {
    std::fprintf(stderr, "semblance-demo-report: %s\n", std::string(arguments.status().message()).c_str());
    return kExitUsage;
  }
  absl::Status status;
  try {
    status = Report(flags);
  } catch (const nlohmann::json::exception& error) {
    status = absl::InvalidArgumentError(absl::StrCat(flags.ingest_report, ": ", error.what()));
  }
  if (!status.ok()) {
    std::fprintf(stderr, "semblance-demo-report: %s\n", status.ToString().c_str());
    return kExitBadInput;
  }
  return kExitDone;
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  return semblance::bench::Main(argc, argv);
}
