#include <array>
#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/session.h"
#include "cli/command_group.h"
#include "cli/commands.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "common/file.h"
#include "semblance/v1/catalog_service.grpc.pb.h"

namespace semblance::cli {
namespace {

void AddItemRow(const v1::Item& item, Table& table) {
  table.AddRow(
      {item.id(), item.has_label() ? item.label() : "-", absl::StrCat(item.sequence()), FormatTimestamp(item.update_time())});
}

std::unique_ptr<v1::CatalogService::Stub> Stub(Session& session) {
  return v1::CatalogService::NewStub(session.channel());
}

int ListItems(const Arguments& args, const Streams& streams) {
  int page_size = 100;
  std::string page_token;
  CommandLine command("semblance items list", "", "Lists items in the order of their ids, a page at a time.");
  command.AddFlag("page_size", "N", "items in one page", &page_size);
  command.AddFlag("page_token", "TOKEN", "continue after the page that printed this token", &page_token);
  command.AddExample("semblance items list --page_size=20");
  command.AddExample("semblance items list --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 0, 0)) {
    return *exit_code;
  }
  v1::ListItemsRequest request;
  request.set_page_size(page_size);
  request.set_page_token(page_token);
  v1::ListItemsResponse response;
  const grpc::Status status = Stub(session)->ListItems(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    Table table({"item", "label", "sequence", "updated"});
    for (const v1::Item& item : response.items()) {
      AddItemRow(item, table);
    }
    out << table;
    if (!response.next_page_token().empty()) {
      out << "\nThere are more: --page_token=" << response.next_page_token() << "\n";
    }
  });
}

int GetItem(const Arguments& args, const Streams& streams) {
  std::string image_out;
  CommandLine command("semblance items get", "ID", "Shows an item, and writes its image to a file.");
  command.AddFlag("image_out", "FILE", "write the image to this file", &image_out);
  command.AddExample("semblance items get shoes/0012.jpg");
  command.AddExample("semblance items get shoes/0012.jpg --image_out=shoe.jpg");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, 1)) {
    return *exit_code;
  }
  v1::GetItemRequest request;
  request.set_id(session.arguments().front());
  request.set_include_image(!image_out.empty());
  v1::GetItemResponse response;
  const grpc::Status status = Stub(session)->GetItem(session.NewContext().get(), request, &response);
  if (status.ok() && !image_out.empty()) {
    const absl::Status written = WriteFileAtomically(image_out, response.item().image());
    if (!written.ok()) {
      return session.Fail(written);
    }
    response.mutable_item()->clear_image();
  }
  return session.Finish(status, response, [&response](std::ostream& out) {
    Table table({"item", "label", "sequence", "updated"});
    AddItemRow(response.item(), table);
    out << table;
  });
}

int DeleteItems(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance items delete", "ID...", "Deletes items, and names those that are not there.");
  command.AddExample("semblance items delete shoes/0012.jpg shoes/0013.jpg");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 1, SIZE_MAX)) {
    return *exit_code;
  }
  v1::DeleteItemsRequest request;
  request.mutable_ids()->Add(session.arguments().begin(), session.arguments().end());
  v1::DeleteItemsResponse response;
  const grpc::Status status = Stub(session)->DeleteItems(session.NewContext().get(), request, &response);
  return session.Finish(status, response, [&response](std::ostream& out) {
    out << response.deleted_count() << " deleted";
    if (response.missing_ids_size() > 0) {
      out << "; not there: " << absl::StrJoin(response.missing_ids(), ", ");
    }
    out << "\n";
  });
}

int CountItems(const Arguments& args, const Streams& streams) {
  CommandLine command("semblance items count", "", "Counts the items of the catalog.");
  command.AddExample("semblance items count --json");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args, 0, 0)) {
    return *exit_code;
  }
  v1::CountItemsResponse response;
  const grpc::Status status = Stub(session)->CountItems(session.NewContext().get(), {}, &response);
  return session.Finish(status, response, [&response](std::ostream& out) { out << response.count() << " items\n"; });
}

constexpr std::array<GroupedCommand, 4> kCommands = {{
    {"list", "", "list items, a page at a time", ListItems},
    {"get", "ID", "show one, or write its image to a file", GetItem},
    {"delete", "ID...", "delete items", DeleteItems},
    {"count", "", "count all items", CountItems},
}};

constexpr std::array<absl::string_view, 3> kExamples = {
    "semblance items list --page_size=20",
    "semblance items get shoes/0012.jpg --image_out=shoe.jpg",
    "semblance items delete shoes/0012.jpg shoes/0013.jpg",
};

}  // namespace

int RunItems(const Arguments& args, const Streams& streams) {
  return RunGroup({.name = "semblance items",
                   .summary = "Lists, shows, deletes and counts the items of the catalog.",
                   .commands = kCommands,
                   .examples = kExamples},
                  args, streams);
}

}  // namespace semblance::cli
