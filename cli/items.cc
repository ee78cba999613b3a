#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/session.h"
#include "cli/commands.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "common/file.h"
#include "common/process.h"
#include "semblance/v1/catalog_service.grpc.pb.h"

namespace semblance::cli {
namespace {

struct ItemsFlags {
  int page_size = 100;
  std::string page_token;
  std::string image_out;
};

void AddItemRow(const v1::Item& item, Table& table) {
  table.AddRow(
      {item.id(), item.has_label() ? item.label() : "-", absl::StrCat(item.sequence()), FormatTimestamp(item.update_time())});
}

int ListItems(Session& session, const ItemsFlags& flags) {
  v1::ListItemsRequest request;
  request.set_page_size(flags.page_size);
  request.set_page_token(flags.page_token);
  v1::ListItemsResponse response;
  const grpc::Status status =
      v1::CatalogService::NewStub(session.channel())->ListItems(session.NewContext().get(), request, &response);
  if (!status.ok()) {
    return session.Fail(status);
  }
  if (session.json()) {
    session.PrintJson(response);
    return kExitDone;
  }
  Table table({"item", "label", "sequence", "updated"});
  for (const v1::Item& item : response.items()) {
    AddItemRow(item, table);
  }
  session.out() << table;
  if (!response.next_page_token().empty()) {
    session.out() << "\nThere are more: --page_token=" << response.next_page_token() << "\n";
  }
  return kExitDone;
}

int GetItem(Session& session, const ItemsFlags& flags) {
  v1::GetItemRequest request;
  request.set_id(session.arguments()[1]);
  request.set_include_image(!flags.image_out.empty());
  v1::GetItemResponse response;
  const grpc::Status status =
      v1::CatalogService::NewStub(session.channel())->GetItem(session.NewContext().get(), request, &response);
  if (!status.ok()) {
    return session.Fail(status);
  }
  if (!flags.image_out.empty()) {
    const absl::Status written = WriteFileAtomically(flags.image_out, response.item().image());
    if (!written.ok()) {
      return session.Fail(written);
    }
    response.mutable_item()->clear_image();
  }
  if (session.json()) {
    session.PrintJson(response);
    return kExitDone;
  }
  Table table({"item", "label", "sequence", "updated"});
  AddItemRow(response.item(), table);
  session.out() << table;
  return kExitDone;
}

int DeleteItems(Session& session) {
  v1::DeleteItemsRequest request;
  request.mutable_ids()->Add(session.arguments().begin() + 1, session.arguments().end());
  v1::DeleteItemsResponse response;
  const grpc::Status status =
      v1::CatalogService::NewStub(session.channel())->DeleteItems(session.NewContext().get(), request, &response);
  if (!status.ok()) {
    return session.Fail(status);
  }
  if (session.json()) {
    session.PrintJson(response);
  } else {
    session.out() << response.deleted_count() << " deleted";
    if (response.missing_ids_size() > 0) {
      session.out() << "; not there: " << absl::StrJoin(response.missing_ids(), ", ");
    }
    session.out() << "\n";
  }
  return kExitDone;
}

int CountItems(Session& session) {
  v1::CountItemsResponse response;
  const grpc::Status status = v1::CatalogService::NewStub(session.channel())->CountItems(session.NewContext().get(), {}, &response);
  if (!status.ok()) {
    return session.Fail(status);
  }
  if (session.json()) {
    session.PrintJson(response);
  } else {
    session.out() << response.count() << " items\n";
  }
  return kExitDone;
}

}  // namespace

int RunItems(const Arguments& args, const Streams& streams) {
  ItemsFlags flags;
  CommandLine command("semblance items", "list | get ID | delete ID... | count", "Lists, shows, deletes or counts items.");
  command.AddFlag("page_size", "N", "list: items of one page", &flags.page_size);
  command.AddFlag("page_token", "TOKEN", "list: go on after the page that printed this token", &flags.page_token);
  command.AddFlag("image_out", "FILE", "get: write the image there", &flags.image_out);
  command.AddExample("semblance items list --page_size=20");
  command.AddExample("semblance items get shoes/0012.jpg --image_out=shoe.jpg");
  command.AddExample("semblance items delete shoes/0012.jpg shoes/0013.jpg");
  Session session(&command, streams);
  if (const auto exit_code = session.Parse(args)) {
    return *exit_code;
  }
  const Arguments& arguments = session.arguments();
  const std::string verb = arguments.empty() ? "" : arguments[0];
  if (verb == "list" && arguments.size() == 1) {
    return ListItems(session, flags);
  }
  if (verb == "get" && arguments.size() == 2) {
    return GetItem(session, flags);
  }
  if (verb == "delete" && arguments.size() >= 2) {
    return DeleteItems(session);
  }
  if (verb == "count" && arguments.size() == 1) {
    return CountItems(session);
  }
  return session.Usage("items takes list, get ID, delete ID... or count; see semblance items --help");
}

}  // namespace semblance::cli
