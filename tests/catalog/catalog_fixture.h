// A catalog in a temporary directory, and functions that write and wait for the answer.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_CATALOG_CATALOG_FIXTURE_H_
#define SEMBLANCE_TESTS_CATALOG_CATALOG_FIXTURE_H_

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

inline catalog::ItemWrite ItemWithImage(std::string id, std::string image) {
  return catalog::ItemWrite{.id = std::move(id), .image = std::move(image), .label = std::nullopt, .attributes = {}};
}

// Calls `start` with a callback, and waits until the callback is called.
inline absl::StatusOr<catalog::WriteResult> Await(const std::function<void(catalog::Catalog::WriteCallback)>& start) {
  std::promise<absl::StatusOr<catalog::WriteResult>> answer;
  start([&answer](absl::StatusOr<catalog::WriteResult> result) { answer.set_value(std::move(result)); });
  return answer.get_future().get();
}

inline absl::StatusOr<catalog::WriteResult> UpsertAndWait(catalog::Catalog& catalog, std::vector<catalog::ItemWrite> items) {
  return Await([&](catalog::Catalog::WriteCallback done) { catalog.Upsert(std::move(items), std::move(done)); });
}

inline absl::StatusOr<catalog::WriteResult> DeleteAndWait(catalog::Catalog& catalog, std::vector<std::string> ids) {
  return Await([&](catalog::Catalog::WriteCallback done) { catalog.Delete(std::move(ids), std::move(done)); });
}

class CatalogFixture : public ::testing::Test {
 protected:
  std::string path() const { return dir_.Join("catalogue.db"); }

  std::unique_ptr<catalog::Catalog> Open(const catalog::CatalogOptions& options = {}) {
    auto catalog = catalog::OpenSqliteCatalog(path(), options);
    EXPECT_OK(catalog);
    return catalog.ok() ? *std::move(catalog) : nullptr;
  }

  const TempDir dir_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CATALOG_CATALOG_FIXTURE_H_
