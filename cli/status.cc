#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "cli/client/session.h"
#include "cli/commands.h"
#include "cli/text/table.h"
#include "common/program/process.h"
#include "semblance/v1/admin_service.grpc.pb.h"

namespace semblance::cli {
namespace {

void PrintInfo(const v1::GetServerInfoResponse& info, std::ostream& out) {
  Table table({});
  const std::string state = v1::ServerState_Name(info.state());
  table.AddRow({"state", absl::AsciiStrToLower(absl::StripPrefix(state, "SERVER_STATE_"))});
  table.AddRow({"because", info.state_reason()});
  table.AddRow({"version", info.version()});
  table.AddRow({"items", absl::StrCat(info.item_count())});
  if (info.has_provenance()) {
    table.AddRow({"generation", info.provenance().generation()});
    table.AddRow({"applied sequence", absl::StrCat(info.provenance().applied_sequence())});
    table.AddRow({"model", absl::StrCat(info.model().name(), " (", info.model().architecture(), ", ", info.model().dimension(),
                                        " dimensions, on ", info.model().device(), ")")});
    table.AddRow({"input", absl::StrCat(info.model().input_width(), " x ", info.model().input_height(), " x ",
                                        info.model().input_channels())});
    table.AddRow({"embedding space", info.provenance().embedding_space_id()});
    table.AddRow({"index", absl::StrCat(info.index().live_count(), " live, ", info.index().tombstone_count(), " deleted, ",
                                        info.index().sealed_segment_count(), " sealed segments, ", info.index().growing_count(),
                                        " growing")});
  }
  if (info.recall_probe().has_recall()) {
    table.AddRow(
        {"recall", absl::StrFormat("%.4f (%d queries probed)", info.recall_probe().recall(), info.recall_probe().probe_count())});
  }
  out << table;
}

}  // namespace

int RunStatus(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance status", "", "Shows what the server is doing and what it serves.");
  command.AddExample("semblance status");
  command.AddExample("semblance status --server=10.0.0.5:50051 --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args)) {
    return *exit_code;
  }
  v1::GetServerInfoResponse info;
  const grpc::Status status = v1::AdminService::NewStub(session.channel())->GetServerInfo(session.NewContext().get(), {}, &info);
  if (!status.ok()) {
    return session.Fail(status);
  }
  if (session.json()) {
    session.PrintJson(info);
  } else {
    PrintInfo(info, session.out());
  }
  return kExitDone;
}

}  // namespace semblance::cli
