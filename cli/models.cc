#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/session.h"
#include "cli/command_group.h"
#include "cli/commands.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "semblance/v1/model_service.grpc.pb.h"

namespace semblance::cli {
namespace {

std::string NameOf(const v1::Model& model) {
  return absl::StrCat(model.name(), "/", model.version());
}

std::string AliasesOf(const v1::Model& model) {
  return model.aliases().empty() ? "-" : absl::StrJoin(model.aliases(), ", ");
}

std::unique_ptr<v1::ModelService::Stub> Stub(Session& session) {
  return v1::ModelService::NewStub(session.channel());
}

int ListModels(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance models list", "[NAME]", "Lists the registered models, or the versions of one.");
  command.AddExample("semblance models list");
  command.AddExample("semblance models list shoes --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 0, 1)) {
    return *exit_code;
  }
  v1::ListModelsRequest request;
  if (!session.arguments().empty()) {
    request.set_name(session.arguments().front());
  }
  v1::ListModelsResponse response;
  const grpc::Status status = Stub(session)->ListModels(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    Table table({"model", "aliases", "dimension", "created", "path"});
    for (const v1::Model& model : response.models()) {
      table.AddRow(
          {NameOf(model), AliasesOf(model), absl::StrCat(model.dimension()), FormatTimestamp(model.create_time()), model.path()});
    }
    out << table;
  });
}

int ShowModel(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance models show", "MODEL",
                      "Shows a model: shoes/3 (a version), shoes@champion (an alias) or shoes (the greatest version).");
  command.AddExample("semblance models show shoes/3");
  command.AddExample("semblance models show shoes@champion --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::GetModelRequest request;
  request.set_model(session.arguments().front());
  v1::GetModelResponse response;
  const grpc::Status status = Stub(session)->GetModel(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&model = response.model()](std::ostream& out) {
    Table table({});
    table.AddRow({"model", NameOf(model)});
    table.AddRow({"aliases", AliasesOf(model)});
    table.AddRow({"dimension", absl::StrCat(model.dimension(), " components")});
    table.AddRow({"embedding space", model.embedding_space_id()});
    table.AddRow({"path", model.path()});
    table.AddRow({"created", FormatTimestamp(model.create_time())});
    table.AddRow({"registered", FormatTimestamp(model.register_time())});
    out << table;
  });
}

int RegisterModel(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance models register", "PATH",
                      "Checks a bundle and registers it as a model. PATH is the bundle's directory on the server, relative to its\n"
                      "model root.");
  command.AddExample("semblance models register shoes/3");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::RegisterModelRequest request;
  request.set_path(session.arguments().front());
  v1::RegisterModelResponse response;
  const grpc::Status status = Stub(session)->RegisterModel(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    out << NameOf(response.model()) << (response.created() ? " is registered\n" : " was registered before\n");
  });
}

int DeleteModel(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance models delete", "MODEL",
                      "Takes a model out of the register. Its files stay, and so do the generations made of it.");
  command.AddExample("semblance models delete shoes/2");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::DeleteModelRequest request;
  request.set_model(session.arguments().front());
  v1::DeleteModelResponse response;
  const grpc::Status status = Stub(session)->DeleteModel(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&model = response.model()](std::ostream& out) {
    out << NameOf(model) << " is out of the register; its files stay in " << model.path() << "\n";
  });
}

int SetAlias(const Arguments& args, const Streams& streams) {
  bool remove = false;
  CommandLine command("semblance models alias", "MODEL champion|candidate",
                      "Makes an alias point to a model, in place of what it pointed to; or removes it from a name.");
  command.AddFlag("remove", "remove the alias; MODEL is then only the name", &remove);
  command.AddExample("semblance models alias shoes/3 champion");
  command.AddExample("semblance models alias shoes candidate --remove");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 2, 2)) {
    return *exit_code;
  }
  const std::string& model = session.arguments()[0];
  const std::string& alias = session.arguments()[1];
  if (remove && (absl::StrContains(model, '/') || absl::StrContains(model, '@'))) {
    return session.Usage(absl::StrCat("alias --remove takes a name alone, without version or alias; ", model, " is none"));
  }
  v1::SetModelAliasRequest request;
  request.set_alias(alias);
  if (remove) {
    request.set_name(model);
  } else {
    request.set_model(model);
  }
  v1::SetModelAliasResponse response;
  const grpc::Status status = Stub(session)->SetModelAlias(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&](std::ostream& out) {
    if (response.has_model()) {
      out << response.model().name() << "@" << alias << " is " << NameOf(response.model()) << "\n";
    } else {
      out << model << "@" << alias << " is removed\n";
    }
  });
}

constexpr std::array<GroupedCommand, 5> kCommands = {{
    {"list", "[NAME]", "list the models, or the versions of one", ListModels},
    {"show", "MODEL", "show one", ShowModel},
    {"register", "PATH", "check a bundle and register it", RegisterModel},
    {"delete", "MODEL", "take one out of the register", DeleteModel},
    {"alias", "MODEL champion|candidate", "let an alias point to a model, or remove it", SetAlias},
}};

constexpr std::array<absl::string_view, 4> kExamples = {
    "semblance models list",
    "semblance models register shoes/3",
    "semblance models alias shoes/3 champion",
    "semblance models show shoes@champion",
};

}  // namespace

int RunModels(const Arguments& args, const Streams& streams) {
  return RunGroup({.name = "semblance models",
                   .summary = "Keeps the register of models: bundles that a trainer wrote, from which generations are made.",
                   .commands = kCommands,
                   .examples = kExamples},
                  args, streams);
}

}  // namespace semblance::cli
