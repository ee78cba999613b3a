// A catalogue in a temporary directory, with writes that wait for their answer.
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

inline ItemWrite ItemWithImage(std::string id, std::string image) {
  return ItemWrite{.id = std::move(id), .image = std::move(image), .label = std::nullopt, .attributes = {}};
}

// Starts a write with the callback that it is given, and waits for the answer.
inline absl::StatusOr<WriteResult> Await(const std::function<void(Catalog::WriteCallback)>& start) {
  std::promise<absl::StatusOr<WriteResult>> answer;
  start([&answer](absl::StatusOr<WriteResult> result) { answer.set_value(std::move(result)); });
  return answer.get_future().get();
}

inline absl::StatusOr<WriteResult> UpsertAndWait(Catalog& catalog, std::vector<ItemWrite> items) {
  return Await([&](Catalog::WriteCallback done) { catalog.Upsert(std::move(items), std::move(done)); });
}

inline absl::StatusOr<WriteResult> DeleteAndWait(Catalog& catalog, std::vector<std::string> ids) {
  return Await([&](Catalog::WriteCallback done) { catalog.Delete(std::move(ids), std::move(done)); });
}

class CatalogFixture : public ::testing::Test {
 protected:
  std::string path() const { return dir_.Join("catalogue.db"); }

  std::unique_ptr<Catalog> Open(const CatalogOptions& options = {}) {
    auto catalog = OpenSqliteCatalog(path(), options);
    EXPECT_OK(catalog);
    return catalog.ok() ? *std::move(catalog) : nullptr;
  }

  const TempDir dir_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CATALOG_CATALOG_FIXTURE_H_
