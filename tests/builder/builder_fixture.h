// A data directory with a catalog and generations, and functions that read a built index.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_BUILDER_BUILDER_FIXTURE_H_
#define SEMBLANCE_TESTS_BUILDER_BUILDER_FIXTURE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catalog/catalog.h"
#include "config/server_config.h"
#include "generation/catalog_rows.h"
#include "generation/generation_store.h"
#include "generation/index_config.h"
#include "gtest/gtest.h"
#include "index/segmented_index.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

class BuilderFixture : public ::testing::Test {
 protected:
  // Creates a generation of the bundle in `model_dir`. Returns its id.
  std::string CreateGeneration(const std::string& model_dir, const storage::v1::GenerationManifest& manifest = {},
                               storage::v1::GenerationRecord::Phase phase = storage::v1::GenerationRecord::PHASE_BUILDING) {
    storage::v1::GenerationRecord record;
    record.set_phase(phase);
    const auto created = store_.Create(model_dir, manifest, record);
    EXPECT_OK(created);
    return created.ok() ? created->id() : "";
  }

  void Upsert(const std::string& id, std::string image) {
    EXPECT_OK(UpsertAndWait(*catalog_, {ItemWithImage(id, std::move(image))}));
  }

  void Delete(const std::string& id) { EXPECT_OK(DeleteAndWait(*catalog_, {id})); }

  // Returns a complete config with segments of few rows.
  static v1::IndexConfig SmallSegments() {
    v1::IndexConfig config;
    config.set_factory("HNSW16");
    config.set_seal_rows(16);
    config.set_hnsw_ef_construction(16);
    return *config::CompleteIndexConfig(config);
  }

  // Opens the index of a generation for the present state of the catalog.
  std::unique_ptr<index::SegmentedIndex> OpenIndex(const std::string& id) {
    const auto state = generation::ReadCatalogState(*catalog_);
    const auto manifest = store_.ReadManifest(id);
    EXPECT_OK(state);
    EXPECT_OK(manifest);
    const auto options = generation::IndexOptionsOf(SmallSegments(), manifest->index_factory(), manifest->dimension());
    EXPECT_OK(options);
    auto index = index::SegmentedIndex::Open(store_.IndexDir(id), *options, state->Sequences(), state->sequence);
    EXPECT_OK(index);
    return index.ok() ? *std::move(index) : nullptr;
  }

  // Returns the vector of each item in the index of a generation.
  std::map<std::string, std::vector<float>> RowsOf(const std::string& id) {
    const std::unique_ptr<index::SegmentedIndex> index = OpenIndex(id);
    const auto state = generation::ReadCatalogState(*catalog_);
    EXPECT_OK(state);
    std::map<std::string, std::vector<float>> rows;
    for (const catalog::CatalogItem& item : state->items) {
      if (auto vector = index->Vector(item.sequence); vector.ok()) {
        rows[item.id] = *std::move(vector);
      }
    }
    return rows;
  }

  const TempDir data_;
  const TempDir models_;
  const std::unique_ptr<catalog::Catalog> catalog_ = *catalog::OpenSqliteCatalog(data_.Join("catalogue.db"), {});
  const generation::GenerationStore store_ = *generation::GenerationStore::Open(data_.path());
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_BUILDER_BUILDER_FIXTURE_H_
