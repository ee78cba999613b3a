// Reads of the catalog: one item, with or without its image, and pages of items. They need no model.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_ENGINE_CATALOG_READS_H_
#define SEMBLANCE_SERVICE_ENGINE_CATALOG_READS_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "service/engine/request_environment.h"
#include "service/engine/types.h"

namespace semblance::service {

class CatalogReads {
 public:
  using ItemWithImage = std::pair<catalog::CatalogItem, std::string>;

  // `environment` must outlive the reads.
  explicit CatalogReads(const RequestEnvironment* environment) : environment_(environment) {}

  // See the methods of Engine with these names.
  void Find(const std::string& id, const CallContext& context, const Callback<catalog::CatalogItem>& done) const;
  void FindWithImage(const std::string& id, const CallContext& context, const Callback<ItemWithImage>& done) const;
  void List(int page_size, const std::string& page_token, const CallContext& context, const Callback<ItemPage>& done) const;

 private:
  absl::StatusOr<ItemWithImage> ReadWithImage(const std::string& id) const;
  absl::StatusOr<ItemPage> ReadPage(const std::string& after_id, int limit) const;

  const RequestEnvironment* const environment_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_CATALOG_READS_H_
