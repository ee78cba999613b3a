#include "service/engine/catalog_reads.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "service/engine/limits.h"

namespace semblance::service {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr char kPageTokenPrefix[] = "v1:";

std::string PageToken(const std::string& last_id) {
  return absl::WebSafeBase64Escape(absl::StrCat(kPageTokenPrefix, last_id));
}

// The page begins after this id. It is "" for the first page.
absl::StatusOr<std::string> LastIdOf(const std::string& page_token) {
  if (page_token.empty()) {
    return std::string();
  }
  std::string decoded;
  absl::string_view id;
  if (absl::WebSafeBase64Unescape(page_token, &decoded)) {
    id = decoded;
  }
  if (!absl::ConsumePrefix(&id, kPageTokenPrefix)) {
    return InvalidField("page_token", v1::ERROR_REASON_INVALID_PAGE_TOKEN, "the page token is not one that this server gave out");
  }
  return std::string(id);
}

}  // namespace

void CatalogReads::Find(const std::string& id, const CallContext& context, const Callback<catalog::CatalogItem>& done) const {
  if (const absl::Status status = CheckItemId("id", id, environment_->limits); !status.ok()) {
    return done(status);
  }
  environment_->threads->Submit(
      Lane::kLookups, context, LaneWork(), [this, id, done] { done(environment_->catalog->Find(id)); }, done);
}

void CatalogReads::FindWithImage(const std::string& id, const CallContext& context, const Callback<ItemWithImage>& done) const {
  if (const absl::Status status = CheckItemId("id", id, environment_->limits); !status.ok()) {
    return done(status);
  }
  environment_->threads->Submit(
      Lane::kLookups, context, LaneWork(), [this, id, done] { done(ReadWithImage(id)); }, done);
}

absl::StatusOr<CatalogReads::ItemWithImage> CatalogReads::ReadWithImage(const std::string& id) const {
  uint64_t missing = 0;
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(catalog::CatalogItem item, environment_->catalog->Find(id));
    absl::StatusOr<std::string> image = environment_->catalog->ReadImage(item.sequence);
    if (image.ok()) {
      return std::make_pair(std::move(item), *std::move(image));
    }
    if (!absl::IsNotFound(image.status())) {
      return image.status();
    }
    if (item.sequence == missing) {
      return absl::DataLossError(absl::StrCat("the catalog has the item of sequence ", missing, ", but not its image"));
    }
    // The item was replaced between the two reads, so the new one is read. If it is the same one, its image is lost.
    missing = item.sequence;
  }
}

void CatalogReads::List(int page_size, const std::string& page_token, const CallContext& context,
                        const Callback<ItemPage>& done) const {
  const int limit = page_size == 0 ? kDefaultPageSize : page_size;
  if (const absl::Status status = CheckCount("page_size", limit, environment_->limits.max_page_size()); !status.ok()) {
    return done(status);
  }
  absl::StatusOr<std::string> after = LastIdOf(page_token);
  if (!after.ok()) {
    return done(after.status());
  }
  environment_->threads->Submit(
      Lane::kLookups, context, LaneWork(), [this, limit, after_id = *std::move(after), done] { done(ReadPage(after_id, limit)); },
      done);
}

absl::StatusOr<ItemPage> CatalogReads::ReadPage(const std::string& after_id, int limit) const {
  ItemPage page;
  // One more item is read than was asked for, to know whether there is a next page.
  SEMBLANCE_ASSIGN_OR_RETURN(page.items, environment_->catalog->List(after_id, limit + 1));
  if (page.items.size() > static_cast<size_t>(limit)) {
    page.items.pop_back();
    page.next_page_token = PageToken(page.items.back().id);
  }
  return page;
}

}  // namespace semblance::service
