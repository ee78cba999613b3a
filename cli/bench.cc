#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/client/load_run.h"
#include "cli/client/session.h"
#include "cli/commands.h"
#include "cli/example_flags.h"
#include "cli/text/table.h"
#include "common/program/process.h"
#include "common/program/stop_signals.h"
#include "common/progress.h"
#include "common/quantile.h"
#include "common/status_macros.h"

namespace semblance::cli {
namespace {

struct BenchFlags {
  ExampleFlags examples;
  double rate = 0;
  int concurrency = 4;
  double seconds = 10;
  int top_k = 10;
  int queries = 1000;
  std::string id_prefix;
};

CommandLine BenchCommand(BenchFlags& flags) {
  CommandLine command(
      "semblance bench", "DIR|MANIFEST",
      "Searches with the images of a data set, over and over, and reports latencies, failures, and for each generation that\n"
      "answered how often the nearest item has the query's label. The item that the image was ingested as is left out.\n"
      "SIGINT and SIGTERM end it early, with the report. Exit code: 0 when no search failed.");
  command.AddFlag("rate", "N", "searches a second, each sent when it is due; 0: each client searches again after each answer",
                  &flags.rate);
  command.AddFlag("concurrency", "N", "clients that search at the same time; only used without a rate", &flags.concurrency);
  command.AddFlag("seconds", "S", "how long to search; 0: until it is interrupted", &flags.seconds);
  command.AddFlag("top_k", "N", "how many neighbors to ask for", &flags.top_k);
  command.AddFlag("queries", "N", "number of different images, spread evenly over the examples and kept in memory", &flags.queries);
  command.AddFlag("id_prefix", "TEXT", "the prefix that the items were ingested with", &flags.id_prefix);
  AddExampleFlags(command, flags.examples);
  command.AddExample("semblance bench photos/ --split=test --rate=50 --seconds=60");
  command.AddExample("semblance bench photos/ --concurrency=8 --json");
  return command;
}

// Returns what is wrong with the flags, or nothing.
std::string CheckFlags(const BenchFlags& flags) {
  if (!(flags.rate >= 0 && flags.rate <= 1e6) || !(flags.seconds >= 0 && flags.seconds <= 1e9)) {
    return "--rate must be 0 to 1000000, --seconds 0 to 1000000000";
  }
  if (flags.concurrency < 1 || flags.top_k < 1 || flags.queries < 1) {
    return "--concurrency, --top_k and --queries must be at least 1";
  }
  return CheckExampleFlags(flags.examples);
}

absl::StatusOr<std::vector<LoadQuery>> ReadQueries(const std::string& path, const BenchFlags& flags) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<dataset::Dataset> dataset, dataset::OpenDataset(path));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<int64_t> examples, ChooseExamples(*dataset, flags.examples));
  if (examples.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has no examples of the split ", flags.examples.split));
  }
  const size_t count = std::min(examples.size(), static_cast<size_t>(flags.queries));
  std::vector<LoadQuery> queries;
  for (size_t i = 0; i < count; ++i) {
    const int64_t index = examples[i * examples.size() / count];
    const dataset::Example& example = dataset->example(index);
    LoadQuery& query =
        queries.emplace_back(LoadQuery{.image = "", .item_id = absl::StrCat(flags.id_prefix, example.id), .label = example.label});
    SEMBLANCE_ASSIGN_OR_RETURN(query.image, dataset->ReadImage(index));
  }
  return queries;
}

double RecallAt1(const GenerationLoad& load) {
  return static_cast<double>(load.right) / static_cast<double>(load.labeled);
}

double PerSecond(const LoadReport& report) {
  return static_cast<double>(report.requests) / std::max(absl::ToDoubleSeconds(report.elapsed), 1e-9);
}

void PrintJson(const LoadReport& report, std::ostream& out) {
  const std::vector<double> latencies = report.LatenciesMs();
  nlohmann::ordered_json json = {{"requests", report.requests},
                                 {"failed_requests", report.failed_requests},
                                 {"seconds", absl::ToDoubleSeconds(report.elapsed)},
                                 {"requests_per_second", PerSecond(report)},
                                 {"p50_ms", Quantile(latencies, 0.5)},
                                 {"p90_ms", Quantile(latencies, 0.9)},
                                 {"p99_ms", Quantile(latencies, 0.99)},
                                 {"p999_ms", Quantile(latencies, 0.999)},
                                 {"max_ms", Quantile(latencies, 1)},
                                 {"generations", nlohmann::ordered_json::array()},
                                 {"failures", nlohmann::ordered_json::array()}};
  for (const auto& [id, load] : report.generations) {
    nlohmann::ordered_json& entry =
        json["generations"].emplace_back(nlohmann::ordered_json{{"generation", id},
                                                                {"model", load.model},
                                                                {"answers", load.latencies_ms.size()},
                                                                {"p50_ms", Quantile(load.latencies_ms, 0.5)},
                                                                {"p99_ms", Quantile(load.latencies_ms, 0.99)}});
    if (load.labeled > 0) {
      entry["recall_at_1"] = RecallAt1(load);
    }
  }
  for (const auto& [reason, failure] : report.failures) {
    json["failures"].push_back({{"reason", reason}, {"count", failure.count}, {"message", failure.error.message}});
  }
  out << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
}

void PrintTable(const LoadReport& report, std::ostream& out) {
  const auto milliseconds = [](const std::vector<double>& latencies, double share) {
    return latencies.empty() ? "-" : absl::StrFormat("%.2f", Quantile(latencies, share));
  };
  Table table({"generation", "model", "answers", "p50 ms", "p90 ms", "p99 ms", "max ms", "recall@1"});
  for (const auto& [id, load] : report.generations) {
    const std::vector<double>& all = load.latencies_ms;
    table.AddRow({id, load.model, absl::StrCat(all.size()), milliseconds(all, 0.5), milliseconds(all, 0.9), milliseconds(all, 0.99),
                  milliseconds(all, 1), load.labeled > 0 ? absl::StrFormat("%.4f", RecallAt1(load)) : "-"});
  }
  out << table << "\n"
      << report.requests << " searches in " << FormatSeconds(absl::ToDoubleSeconds(report.elapsed))
      << absl::StrFormat(" (%.1f a second), ", PerSecond(report)) << report.failed_requests << " failed\n";
}

LoadReport RunWithProgress(const std::vector<LoadQuery>& queries, const BenchFlags& flags, Session& session) {
  const StopSignals signals({SIGINT, SIGTERM}, StopSignals::Repeated::kEndsProcess);
  const absl::Duration duration = flags.seconds > 0 ? absl::Seconds(flags.seconds) : absl::InfiniteDuration();
  ProgressReporter progress("bench", static_cast<int64_t>(flags.rate * flags.seconds), "searches");
  const LoadOptions options{.rate = flags.rate,
                            .concurrency = flags.concurrency,
                            .top_k = flags.top_k,
                            .timeout = session.timeout(),
                            .duration = duration,
                            .stop = signals.token()};
  LoadReport report = RunLoad(session.channel(), queries, options, [&](int64_t requests, int64_t failed) {
    progress.Update(requests, absl::StrCat(failed, " failed"));
  });
  progress.Finish(absl::StrCat("done: ", report.requests, " searches, ", report.failed_requests, " failed"));
  return report;
}

}  // namespace

int RunBench(const Arguments& args, const Streams& streams) {
  BenchFlags flags;
  CommandLine command = BenchCommand(flags);
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  if (const std::string problem = CheckFlags(flags); !problem.empty()) {
    return session.Usage(problem);
  }
  const absl::StatusOr<std::vector<LoadQuery>> queries = ReadQueries(session.arguments().front(), flags);
  if (!queries.ok()) {
    return session.Fail(queries.status());
  }
  const LoadReport report = RunWithProgress(*queries, flags, session);
  if (session.json()) {
    PrintJson(report, session.out());
  } else {
    PrintTable(report, session.out());
  }
  int exit_code = kExitDone;
  for (const auto& [reason, failure] : report.failures) {
    session.err() << "semblance: " << failure.count << " times " << reason << ":\n";
    exit_code = session.Fail(failure.error);
  }
  return exit_code;
}

}  // namespace semblance::cli
