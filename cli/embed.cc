#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/client/session.h"
#include "cli/commands.h"
#include "cli/text/table.h"
#include "common/file.h"
#include "common/program/process.h"
#include "semblance/v1/embedding_service.grpc.pb.h"

namespace semblance::cli {
namespace {

constexpr int kShownComponents = 6;

std::string Preview(const v1::Embedding& embedding) {
  std::vector<std::string> shown;
  for (int i = 0; i < std::min(kShownComponents, embedding.values_size()); ++i) {
    shown.push_back(absl::StrFormat("%+.3f", embedding.values(i)));
  }
  return absl::StrCat(absl::StrJoin(shown, " "), embedding.values_size() > kShownComponents ? " ..." : "");
}

}  // namespace

int RunEmbed(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance embed", "IMAGE...", "Turns images into unit vectors of the serving model.");
  command.AddExample("semblance embed a.jpg b.jpg --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args)) {
    return *exit_code;
  }
  if (session.arguments().empty()) {
    return session.Usage("embed takes one or more images; see semblance embed --help");
  }
  v1::EmbedImagesRequest request;
  for (const std::string& path : session.arguments()) {
    absl::StatusOr<std::string> image = ReadFile(path);
    if (!image.ok()) {
      return session.Fail(image.status());
    }
    request.add_images(*std::move(image));
  }
  v1::EmbedImagesResponse response;
  const grpc::Status status =
      v1::EmbeddingService::NewStub(session.channel())->EmbedImages(session.NewContext().get(), request, &response);
  if (!status.ok()) {
    return session.Fail(status);
  }
  if (session.json()) {
    session.PrintJson(response);
    return kExitDone;
  }
  Table table({"image", "dimension", "vector"});
  for (int i = 0; i < response.embeddings_size(); ++i) {
    const v1::Embedding& embedding = response.embeddings(i);
    table.AddRow({session.arguments()[static_cast<size_t>(i)], absl::StrCat(embedding.values_size()), Preview(embedding)});
  }
  session.out() << table << "\nSpace " << response.provenance().embedding_space_id() << "\n";
  return kExitDone;
}

}  // namespace semblance::cli
