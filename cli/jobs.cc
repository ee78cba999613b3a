#include <array>
#include <memory>

#include "cli/client/session.h"
#include "cli/client/watch_job.h"
#include "cli/command_group.h"
#include "cli/commands.h"
#include "cli/text/job_text.h"
#include "semblance/v1/training_service.grpc.pb.h"

namespace semblance::cli {
namespace {

using Stub = v1::TrainingService::Stub;

std::unique_ptr<Stub> NewStub(Session& session) {
  return v1::TrainingService::NewStub(session.channel());
}

// Calls a method that takes only the id of a job, which is the command's argument.
template <typename Request, typename Response>
grpc::Status CallWithJob(Session& session, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                         Response* response) {
  Request request;
  request.set_job(session.arguments().front());
  return (NewStub(session).get()->*method)(session.NewContext().get(), request, response);
}

int ListJobs(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance jobs list", "", "Lists all training jobs, the newest first.");
  command.AddExample("semblance jobs list");
  command.AddExample("semblance jobs list --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 0, 0)) {
    return *exit_code;
  }
  v1::ListTrainingJobsResponse response;
  const grpc::Status status = NewStub(session)->ListTrainingJobs(session.NewContext().get(), {}, &response);
  return session.Finish(status, response, [&response](std::ostream& out) { PrintJobs(response, out); });
}

int GetJob(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance jobs get", "ID", "Shows a job: its state and why, how far it is, and the end of its log.");
  command.AddExample("semblance jobs get job-000003");
  command.AddExample("semblance jobs get job-000003 --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::GetTrainingJobResponse response;
  const grpc::Status status = CallWithJob(session, &Stub::GetTrainingJob, &response);
  return session.Finish(status, response, [&response](std::ostream& out) { PrintJob(response, out); });
}

int WatchJob(const Arguments& args, const Streams& streams) {
  bool log = false;
  CommandLine command(
      "semblance jobs watch", "ID",
      "Follows a job until it has ended. Exit code: 0 when it succeeded, 1 when it failed or was cancelled, 143 when the\n"
      "watching was interrupted; the job then continues. With --json every change is a document on a line of its own.");
  command.AddFlag("log", "show the lines of the trainer's log too", &log);
  command.AddExample("semblance jobs watch job-000003");
  command.AddExample("semblance jobs watch job-000003 --log");
  command.AddExample("semblance jobs watch job-000003 --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  return WatchTrainingJob(session, {.job = session.arguments().front(),
                                    .show = log ? WatchJobOptions::Show::kProgressAndLog : WatchJobOptions::Show::kProgress});
}

int LogOfJob(const Arguments& args, const Streams& streams) {
  bool follow = false;
  CommandLine command("semblance jobs log", "ID", "Prints the end of the trainer's log, the last 20 lines.");
  command.AddFlag("follow", "print new lines until the job has ended; the exit code is that of watch", &follow);
  command.AddExample("semblance jobs log job-000003");
  command.AddExample("semblance jobs log job-000003 --follow");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  if (follow) {
    return WatchTrainingJob(session, {.job = session.arguments().front(), .show = WatchJobOptions::Show::kLog});
  }
  v1::GetTrainingJobResponse response;
  const grpc::Status status = CallWithJob(session, &Stub::GetTrainingJob, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    for (const std::string& line : response.log_lines()) {
      out << line << "\n";
    }
  });
}

int CancelJob(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance jobs cancel", "ID",
                      "Stops a job. Its trainer writes a checkpoint first, from which it can be resumed.");
  command.AddExample("semblance jobs cancel job-000003");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::CancelTrainingJobResponse response;
  const grpc::Status status = CallWithJob(session, &Stub::CancelTrainingJob, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    out << response.job().id() << " is " << StateName(response.job().state()) << "\n";
  });
}

int ResumeJob(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance jobs resume", "ID",
                      "Queues a job that failed or was cancelled again; it resumes from its checkpoint.");
  command.AddExample("semblance jobs resume job-000003");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::ResumeTrainingJobResponse response;
  const grpc::Status status = CallWithJob(session, &Stub::ResumeTrainingJob, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    out << response.job().id() << " is " << StateName(response.job().state()) << "; follow it with semblance jobs watch "
        << response.job().id() << "\n";
  });
}

int DeleteJob(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance jobs delete", "ID",
                      "Removes the record, log and checkpoints of a job that has ended. Its models stay.");
  command.AddExample("semblance jobs delete job-000003");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::DeleteTrainingJobResponse response;
  const grpc::Status status = CallWithJob(session, &Stub::DeleteTrainingJob, &response);
  return session.Finish(status, response, [&session](std::ostream& out) { out << session.arguments().front() << " is deleted\n"; });
}

constexpr std::array<GroupedCommand, 7> kCommands = {{
    {"list", "", "list all jobs", ListJobs},
    {"get", "ID", "show one", GetJob},
    {"watch", "ID", "follow one until it has ended", WatchJob},
    {"log", "ID", "print the end of its log", LogOfJob},
    {"cancel", "ID", "stop one, after a checkpoint", CancelJob},
    {"resume", "ID", "let one resume from its checkpoint", ResumeJob},
    {"delete", "ID", "remove one that has ended", DeleteJob},
}};

constexpr std::array<absl::string_view, 4> kExamples = {
    "semblance jobs list",
    "semblance jobs watch job-000003 --log",
    "semblance jobs cancel job-000003",
    "semblance jobs resume job-000003",
};

}  // namespace

int RunJobs(const Arguments& args, const Streams& streams) {
  return RunGroup({.name = "semblance jobs",
                   .summary = "Follows and steers training jobs; semblance train starts them.",
                   .commands = kCommands,
                   .examples = kExamples},
                  args, streams);
}

}  // namespace semblance::cli
