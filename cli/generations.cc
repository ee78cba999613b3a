#include <array>
#include <functional>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/client/session.h"
#include "cli/client/watch.h"
#include "cli/command_group.h"
#include "cli/commands.h"
#include "cli/compare_command.h"
#include "cli/text/format.h"
#include "cli/text/generation_text.h"
#include "common/program/process.h"
#include "semblance/v1/field_rules.pb.h"
#include "semblance/v1/generation_service.grpc.pb.h"

namespace semblance::cli {
namespace {

std::unique_ptr<v1::GenerationService::Stub> Stub(Session& session) {
  return v1::GenerationService::NewStub(session.channel());
}

int ListGenerations(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance generations list", "", "Lists all generations, the newest first.");
  command.AddExample("semblance generations list");
  command.AddExample("semblance generations list --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 0, 0)) {
    return *exit_code;
  }
  v1::ListGenerationsResponse response;
  const grpc::Status status = Stub(session)->ListGenerations(session.NewContext().get(), {}, &response);
  return session.Finish(status, response, [&response](std::ostream& out) { PrintGenerations(response, out); });
}

int ShowGeneration(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance generations show", "ID", "Shows a generation: its state and why, progress, gates, traffic.");
  command.AddExample("semblance generations show gen-000002");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::GetGenerationRequest request;
  request.set_generation(session.arguments().front());
  v1::GetGenerationResponse response;
  const grpc::Status status = Stub(session)->GetGeneration(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) { PrintGeneration(response.generation(), out); });
}

struct CreateFlags {
  std::string index;
  // These are text, so that a flag that is not given leaves its field unset.
  std::string min_recall;
  std::string label_tolerance;
  int sample = 0;
  std::string activate = "manual";
  std::string request_id;
  bool watch = false;
};

// The default of a gate, in text.
std::string DefaultOf(const char* gate) {
  return v1::GenerationGates::descriptor()->FindFieldByName(gate)->options().GetExtension(v1::rules).default_value();
}

CommandLine CreateCommand(CreateFlags& flags) {
  CommandLine command(
      "semblance generations create", "MODEL",
      "Starts building a generation of a model beside the active one: shoes/3, shoes@champion, or shoes (the greatest\n"
      "version).");
  command.AddFlag("index", "FACTORY", "kind of index, such as auto, Flat or HNSW32; default: the server's configuration",
                  &flags.index);
  command.AddFlag("min_recall", "SHARE",
                  "share of the exact 10 nearest that its index must find; default: the server's, " + DefaultOf("min_index_recall"),
                  &flags.min_recall);
  command.AddFlag("label_tolerance", "SHARE",
                  "how far its recall@1 by labels may lie below the active one's; default: no gate, 0 with --activate=if_better",
                  &flags.label_tolerance);
  command.AddFlag("sample", "N", "items to measure; 0: the server's default, " + DefaultOf("sample_size"), &flags.sample);
  command.AddFlag("activate", "manual|always|if_better", "what the server does when the generation is ready", &flags.activate);
  command.AddFlag("request_id", "TEXT", "makes a retry safe: the same request with the same text makes no second generation",
                  &flags.request_id);
  command.AddFlag("watch", "follow the build, as semblance generations watch does", &flags.watch);
  command.AddExample("semblance generations create shoes/4 --watch");
  command.AddExample("semblance generations create shoes@candidate --activate=if_better --label_tolerance=0.01");
  command.AddExample("semblance generations create shoes --index=HNSW32 --min_recall=0.99 --request_id=nightly-2026-01-31");
  return command;
}

// Returns false if the text is not a number. Empty text leaves the field unset.
bool SetShare(const std::string& text, const std::function<void(double)>& set) {
  double share = 0;
  if (!text.empty() && !absl::SimpleAtod(text, &share)) {
    return false;
  }
  if (!text.empty()) {
    set(share);
  }
  return true;
}

// Fills in all fields but the model. Returns what is wrong with the flags, or nothing. The server checks the ranges.
std::string ReadCreateFlags(const CreateFlags& flags, v1::CreateGenerationRequest& request) {
  request.set_index_factory(flags.index);
  request.set_request_id(flags.request_id);
  v1::GenerationGates& gates = *request.mutable_gates();
  gates.set_sample_size(flags.sample);
  if (!SetShare(flags.min_recall, [&gates](double share) { gates.set_min_index_recall(share); })) {
    return absl::StrCat("--min_recall=", flags.min_recall, " is not a number");
  }
  if (!SetShare(flags.label_tolerance, [&gates](double share) { gates.set_label_recall_tolerance(share); })) {
    return absl::StrCat("--label_tolerance=", flags.label_tolerance, " is not a number");
  }
  if (flags.activate == "manual") {
    request.set_activation_policy(v1::ACTIVATION_POLICY_MANUAL);
  } else if (flags.activate == "always") {
    request.set_activation_policy(v1::ACTIVATION_POLICY_ALWAYS);
  } else if (flags.activate == "if_better") {
    request.set_activation_policy(v1::ACTIVATION_POLICY_IF_BETTER);
  } else {
    return absl::StrCat("--activate=", flags.activate, " is none of manual, always, if_better");
  }
  return "";
}

int CreateGeneration(const Arguments& args, const Streams& streams) {
  CreateFlags flags;
  CommandLine command = CreateCommand(flags);
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::CreateGenerationRequest request;
  request.set_model(session.arguments().front());
  if (const std::string problem = ReadCreateFlags(flags, request); !problem.empty()) {
    return session.Usage(problem);
  }
  v1::CreateGenerationResponse response;
  const grpc::Status status = Stub(session)->CreateGeneration(session.NewContext().get(), request, &response);
  const std::string& id = response.generation().id();
  if (!status.ok() || !flags.watch) {
    return session.Finish(status, response, [&](std::ostream& out) {
      out << id << " of " << ModelName(response.generation()) << " is being built; follow it with semblance generations watch "
          << id << "\n";
    });
  }
  if (session.json()) {
    session.PrintJsonLine(response);
  }
  return WatchGeneration(session, {.generation = id, .follow = false, .server_known = true});
}

int RunWatch(const Arguments& args, const Streams& streams) {
  bool follow = false;
  CommandLine command(
      "semblance generations watch", "ID",
      "Follows a generation until nothing more happens to it by itself. Exit code: 0 when it is ready, active or\n"
      "standby, 42 when it failed, 1 when it was cancelled. With --json every change is a document on a line of its own.");
  command.AddFlag("follow", "watch until the generation is deleted", &follow);
  command.AddExample("semblance generations watch gen-000002");
  command.AddExample("semblance generations watch gen-000002 --json");
  command.AddExample("semblance generations watch gen-000002 --follow --timeout_seconds=600");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  return WatchGeneration(session, {.generation = session.arguments().front(), .follow = follow, .server_known = false});
}

int EvaluateGeneration(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance generations evaluate", "ID",
                      "Measures the gates of a loaded generation again. Exit code: 42 when one of them does not hold.");
  command.AddExample("semblance generations evaluate gen-000002");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::EvaluateGenerationRequest request;
  request.set_generation(session.arguments().front());
  v1::EvaluateGenerationResponse response;
  const grpc::Status status = Stub(session)->EvaluateGeneration(session.NewContext().get(), request, &response);
  const int exit_code =
      session.Finish(status, response, [&response](std::ostream& out) { PrintEvaluation(response.evaluation(), out); });
  return exit_code == kExitDone && response.evaluation().failures_size() > 0 ? kExitBadInput : exit_code;
}

// `response` is one of ActivateGeneration or RollbackGeneration.
template <typename Response>
void PrintActivation(const Response& response, std::ostream& out) {
  out << response.generation().id() << " is active; before it: " << (response.previous().empty() ? "none" : response.previous())
      << "; writes waited for " << FormatDuration(response.write_pause()) << "\n";
}

int ActivateGeneration(const Arguments& args, const Streams& streams) {
  v1::ActivateGenerationRequest request;
  std::string expected_active;
  bool validate_only = false;
  CommandLine command("semblance generations activate", "ID", "Makes a ready or standby generation answer. No request fails.");
  command.AddFlag("expected_active", "ID", "fail unless this generation is active now", &expected_active);
  command.AddFlag("validate_only", "only say whether it would succeed", &validate_only);
  command.AddExample("semblance generations activate gen-000002");
  command.AddExample("semblance generations activate gen-000002 --expected_active=gen-000001");
  command.AddExample("semblance generations activate gen-000002 --validate_only");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  request.set_generation(session.arguments().front());
  request.set_expected_active(expected_active);
  request.set_validate_only(validate_only);
  v1::ActivateGenerationResponse response;
  const grpc::Status status = Stub(session)->ActivateGeneration(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&](std::ostream& out) {
    if (validate_only) {
      out << request.generation() << " could be activated; nothing was done\n";
    } else {
      PrintActivation(response, out);
    }
  });
}

int RollbackGeneration(const Arguments& args, const Streams& streams) {
  std::string expected_active;
  CommandLine command("semblance generations rollback", "", "Activates the generation that was active before the present one.");
  command.AddFlag("expected_active", "ID", "fail unless this generation is active now", &expected_active);
  command.AddExample("semblance generations rollback");
  command.AddExample("semblance generations rollback --expected_active=gen-000002");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 0, 0)) {
    return *exit_code;
  }
  v1::RollbackGenerationRequest request;
  request.set_expected_active(expected_active);
  v1::RollbackGenerationResponse response;
  const grpc::Status status = Stub(session)->RollbackGeneration(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) { PrintActivation(response, out); });
}

int CancelGeneration(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance generations cancel", "ID", "Stops the building of a generation and removes its files.");
  command.AddExample("semblance generations cancel gen-000002");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::CancelGenerationRequest request;
  request.set_generation(session.arguments().front());
  v1::CancelGenerationResponse response;
  const grpc::Status status = Stub(session)->CancelGeneration(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    out << response.generation().id() << " is " << StateName(response.generation().state()) << "\n";
  });
}

int DeleteGeneration(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance generations delete", "ID", "Retires a generation and removes its files, once no request uses it.");
  command.AddExample("semblance generations delete gen-000001");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::DeleteGenerationRequest request;
  request.set_generation(session.arguments().front());
  v1::DeleteGenerationResponse response;
  const grpc::Status status = Stub(session)->DeleteGeneration(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&request](std::ostream& out) { out << request.generation() << " is being retired\n"; });
}

int SetTraffic(const Arguments& args, const Streams& streams) {
  std::string canary;
  std::string shadow;
  CommandLine command(
      "semblance generations traffic", "ID",
      "Sends a share of the live searches to a ready or standby generation, in place of what it gets now. A share that\n"
      "is not given is 0.");
  command.AddFlag("canary", "SHARE", "share of the searches that it answers, 0 to 1", &canary);
  command.AddFlag("shadow", "SHARE", "share of the other searches that it answers too, only for comparison", &shadow);
  command.AddExample("semblance generations traffic gen-000002 --canary=0.05 --shadow=0.1");
  command.AddExample("semblance generations traffic gen-000002 --canary=0");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  if (canary.empty() && shadow.empty()) {
    return session.Usage("traffic takes --canary=SHARE, --shadow=SHARE or both; --canary=0 ends all of it");
  }
  v1::SetGenerationTrafficRequest request;
  request.set_generation(session.arguments().front());
  v1::GenerationTraffic& traffic = *request.mutable_traffic();
  if (!SetShare(canary, [&traffic](double share) { traffic.set_canary_share(share); })) {
    return session.Usage(absl::StrCat("--canary=", canary, " is not a number"));
  }
  if (!SetShare(shadow, [&traffic](double share) { traffic.set_shadow_share(share); })) {
    return session.Usage(absl::StrCat("--shadow=", shadow, " is not a number"));
  }
  v1::SetGenerationTrafficResponse response;
  const grpc::Status status = Stub(session)->SetGenerationTraffic(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    const v1::GenerationTraffic& now = response.generation().traffic();
    out << response.generation().id() << absl::StrFormat(": canary %.4g, shadow %.4g\n", now.canary_share(), now.shadow_share());
  });
}

constexpr std::array<GroupedCommand, 11> kCommands = {{
    {"list", "", "list all generations", ListGenerations},
    {"show", "ID", "show one", ShowGeneration},
    {"create", "MODEL", "build one beside the active one", CreateGeneration},
    {"watch", "ID", "follow the building of one", RunWatch},
    {"evaluate", "ID", "measure the gates of one again", EvaluateGeneration},
    {"activate", "ID", "let one answer", ActivateGeneration},
    {"rollback", "", "go back to the one that was active before", RollbackGeneration},
    {"cancel", "ID", "stop the building of one", CancelGeneration},
    {"delete", "ID", "retire one and remove its files", DeleteGeneration},
    {"traffic", "ID", "send a share of the live searches to one", SetTraffic},
    {"compare", "A B [IMAGE...]", "draw the neighbors of two side by side", RunCompare},
}};

constexpr std::array<absl::string_view, 5> kExamples = {
    "semblance generations create shoes/4 --watch",
    "semblance generations compare gen-000001 gen-000002 --out=compare.html",
    "semblance generations activate gen-000002 --expected_active=gen-000001",
    "semblance generations rollback",
    "semblance generations list --json",
};

}  // namespace

int RunGenerations(const Arguments& args, const Streams& streams) {
  return RunGroup(
      {.name = "semblance generations",
       .summary = "Builds generations (a model and the index of the catalog under it), compares them and makes them live.",
       .commands = kCommands,
       .examples = kExamples},
      args, streams);
}

}  // namespace semblance::cli
