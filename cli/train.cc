#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/client/session.h"
#include "cli/client/watch_job.h"
#include "cli/commands.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/text_proto.h"
#include "config/config_override.h"
#include "semblance/v1/training_service.grpc.pb.h"

namespace semblance::cli {
namespace {

struct TrainFlags {
  std::string config;
  std::vector<std::string> overrides;
  bool catalog = false;
  std::string on_success = "nothing";
  int replicas = 1;
  double recall_tolerance = 0;
  std::string index_factory;
  std::string request_id;
  bool detach = false;
  bool log = false;
};

CommandLine TrainCommand(TrainFlags& flags) {
  CommandLine command(
      "semblance train", "",
      "Trains a model as a job of the server, and follows it. The configuration is that of semblance-trainer without\n"
      "output_dir; its paths are on the server, relative to the server's data root. Exit code: 0 when the job succeeded, 1\n"
      "when it failed or was cancelled, 143 when the watching was interrupted; the job then continues.");
  command.AddFlag("config", "FILE", "the configuration, semblance.v1.TrainingConfig in text format. Required", &flags.config);
  command.AddRepeatedFlag("set", "FIELD=VALUE", "changes one field of it; lists are separated by commas", &flags.overrides);
  command.AddFlag("catalog", "train on the labeled items of the catalog in place of data.path", &flags.catalog);
  command.AddFlag("on_success", "nothing|register|build|activate_if_better",
                  "what to do with the model: register it, build a generation with it too, or activate that unless it is worse",
                  &flags.on_success);
  command.AddFlag("replicas", "N", "processes that train together, 1 to 64", &flags.replicas);
  command.AddFlag("recall_tolerance", "X", "how much lower the recall@1 may be for activate_if_better, 0 to 1",
                  &flags.recall_tolerance);
  command.AddFlag("index_factory", "FACTORY", "kind of index of the generation; default: the server's configuration",
                  &flags.index_factory);
  command.AddFlag("request_id", "TEXT", "makes a retry safe: the same request with the same text makes no second job",
                  &flags.request_id);
  command.AddFlag("detach", "print the id of the job and return", &flags.detach);
  command.AddFlag("log", "show the lines of the trainer's log too", &flags.log);
  command.AddExample("semblance train --config=shoes.textproto --catalog --on_success=activate_if_better");
  command.AddExample("semblance train --config=shoes.textproto --set data.path=shoes --set epochs=3 --log");
  command.AddExample("semblance train --config=shoes.textproto --catalog --detach --request_id=nightly-2026-01-31");
  return command;
}

absl::StatusOr<v1::TrainingConfig> ReadConfig(const TrainFlags& flags) {
  v1::TrainingConfig config;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.config));
  SEMBLANCE_RETURN_IF_ERROR(ParseTextProto(text, flags.config, &config));
  for (const std::string& assignment : flags.overrides) {
    SEMBLANCE_RETURN_IF_ERROR(config::ApplyOverride(assignment, &config));
  }
  return config;
}

bool ParseOnSuccess(const std::string& name, v1::OnSuccess* on_success) {
  return name == absl::AsciiStrToLower(name) && name != "unspecified" &&
         v1::OnSuccess_Parse(absl::StrCat("ON_SUCCESS_", absl::AsciiStrToUpper(name)), on_success);
}

}  // namespace

int RunTrain(const Arguments& args, const Streams& streams) {
  TrainFlags flags;
  CommandLine command = TrainCommand(flags);
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 0, 0)) {
    return *exit_code;
  }
  if (flags.config.empty()) {
    return session.Usage("--config=FILE is missing; see semblance train --help");
  }
  v1::CreateTrainingJobRequest request;
  v1::OnSuccess on_success = v1::ON_SUCCESS_NOTHING;
  if (!ParseOnSuccess(flags.on_success, &on_success)) {
    return session.Usage(
        absl::StrCat("--on_success=", flags.on_success, " is none of nothing, register, build, activate_if_better"));
  }
  const absl::StatusOr<v1::TrainingConfig> config = ReadConfig(flags);
  if (!config.ok()) {
    return session.Fail(config.status());
  }
  *request.mutable_config() = *config;
  request.set_from_catalog(flags.catalog);
  request.set_on_success(on_success);
  request.set_replicas(flags.replicas);
  request.set_recall_tolerance(flags.recall_tolerance);
  request.set_index_factory(flags.index_factory);
  request.set_request_id(flags.request_id);
  v1::CreateTrainingJobResponse response;
  const grpc::Status status =
      v1::TrainingService::NewStub(session.channel())->CreateTrainingJob(session.NewContext().get(), request, &response);
  const std::string& id = response.job().id();
  if (!status.ok() || flags.detach) {
    return session.Finish(status, response, [&id](std::ostream& out) { out << id << "\n"; });
  }
  if (session.json()) {
    session.PrintJsonLine(response);
  } else {
    session.out() << id << std::endl;
  }
  return WatchTrainingJob(session, {.job = id,
                                    .show = flags.log ? WatchJobOptions::Show::kProgressAndLog : WatchJobOptions::Show::kProgress,
                                    .server_known = true});
}

}  // namespace semblance::cli
