#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/client/ingest_run.h"
#include "cli/client/session.h"
#include "cli/commands.h"
#include "cli/example_flags.h"
#include "common/program/process.h"
#include "common/progress.h"
#include "common/status_macros.h"

namespace semblance::cli {
namespace {

struct IngestFlags {
  ExampleFlags examples;
  int batch = 32;
  int concurrency = 4;
  std::string id_prefix;
  int retry_seconds = 60;
};

CommandLine IngestCommand(IngestFlags& flags) {
  CommandLine command(
      "semblance ingest", "DIR|MANIFEST",
      "Stores images as items: a folder (DIR/label/image.jpg), a TSV manifest (columns path, label, split) or a directory\n"
      "of IDX files. Items that exist are replaced, so a run that was interrupted can simply be repeated.");
  AddExampleFlags(command, flags.examples);
  command.AddFlag("batch", "N", "images in one request", &flags.batch);
  command.AddFlag("concurrency", "N", "requests in flight", &flags.concurrency);
  command.AddFlag("id_prefix", "TEXT", "text before every item id", &flags.id_prefix);
  command.AddFlag("retry_seconds", "N", "how long to retry when the server is unavailable or busy", &flags.retry_seconds);
  command.AddExample("semblance ingest photos/");
  command.AddExample("semblance ingest products.tsv --split=test --server=10.0.0.5:50051");
  return command;
}

// Returns what is wrong with the flags, or nothing.
std::string CheckFlags(const IngestFlags& flags, const Arguments& arguments) {
  if (arguments.size() != 1) {
    return "ingest takes one DIR or MANIFEST; see semblance ingest --help";
  }
  if (std::string problem = CheckExampleFlags(flags.examples); !problem.empty()) {
    return problem;
  }
  if (flags.batch < 1 || flags.concurrency < 1 || flags.retry_seconds < 0) {
    return "--batch and --concurrency must be at least 1, --retry_seconds at least 0";
  }
  return "";
}

void PrintReport(const Session& session, const IngestReport& report, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(report.stored) / seconds : 0;
  if (session.json()) {
    nlohmann::ordered_json json = {{"stored", report.stored},
                                   {"failed_images", report.failed_images},
                                   {"failed_requests", report.failed_requests},
                                   {"retries", report.retries},
                                   {"seconds", seconds},
                                   {"images_per_second", rate},
                                   {"failures", nlohmann::ordered_json::array()}};
    for (const IngestFailure& failure : report.failures) {
      json["failures"].push_back({{"id", failure.id}, {"reason", failure.reason}, {"message", failure.message}});
    }
    session.out() << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else {
    session.out() << report.stored << " images stored, " << report.failed_images << " failed, in " << FormatSeconds(seconds) << " ("
                  << static_cast<int64_t>(rate) << " images/s)\n";
  }
  for (const IngestFailure& failure : report.failures) {
    session.err() << "semblance: " << failure.id << " was not stored: " << failure.message << " (" << failure.reason << ")\n";
  }
}

}  // namespace

int RunIngest(const Arguments& args, const Streams& streams) {
  IngestFlags flags;
  CommandLine command = IngestCommand(flags);
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args)) {
    return *exit_code;
  }
  if (const std::string problem = CheckFlags(flags, session.arguments()); !problem.empty()) {
    return session.Usage(problem);
  }
  const auto dataset = dataset::OpenDataset(session.arguments().front());
  if (!dataset.ok()) {
    return session.Fail(dataset.status());
  }
  for (const std::string& remark : (*dataset)->remarks()) {
    session.err() << remark << "\n";
  }
  const auto indices = ChooseExamples(**dataset, flags.examples);
  if (!indices.ok()) {
    return session.Fail(indices.status());
  }
  ProgressReporter progress("ingest", static_cast<int64_t>(indices->size()), "images");
  const absl::Time start = absl::Now();
  const IngestOptions options{.batch_size = flags.batch,
                              .concurrency = flags.concurrency,
                              .id_prefix = flags.id_prefix,
                              .timeout = session.timeout(),
                              .retry_for = absl::Seconds(flags.retry_seconds)};
  const IngestReport report = Ingest(session.channel(), **dataset, *indices, options, [&progress](int64_t done, int64_t retries) {
    progress.Update(done, retries > 0 ? absl::StrCat(retries, " retries") : "");
  });
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  progress.Finish(absl::StrCat("done: ", report.stored, " of ", indices->size(), " images"));
  PrintReport(session, report, seconds);
  if (report.failed_requests > 0) {
    return session.Fail(report.last_error);
  }
  return report.failed_images > 0 ? kExitBadInput : kExitDone;
}

}  // namespace semblance::cli
