#include "trainer/data/catalog_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/file.h"
#include "dataset/dataset.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class CatalogSnapshotTest : public ::testing::Test {
 protected:
  void Open() {
    auto catalog = catalog::OpenSqliteCatalog(path(), catalog::CatalogOptions());
    ASSERT_OK(catalog);
    catalog_ = *std::move(catalog);
  }
  void Upsert(const std::string& id, const std::string& image, const std::optional<std::string>& label) {
    std::promise<absl::Status> done;
    catalog_->Upsert({{.id = id, .image = image, .label = label, .attributes = {}}},
                     [&done](const absl::StatusOr<catalog::WriteResult>& result) { done.set_value(result.status()); });
    ASSERT_OK(done.get_future().get());
  }
  void Delete(const std::string& id) {
    std::promise<absl::Status> done;
    catalog_->Delete({id}, [&done](const absl::StatusOr<catalog::WriteResult>& result) { done.set_value(result.status()); });
    ASSERT_OK(done.get_future().get());
  }

  // The label and the image of each item, by id.
  std::map<std::string, std::pair<std::string, std::string>> Read(const std::string& manifest) {
    std::map<std::string, std::pair<std::string, std::string>> items;
    const auto dataset = dataset::OpenManifest(manifest);
    EXPECT_OK(dataset);
    for (int64_t i = 0; dataset.ok() && i < (*dataset)->size(); ++i) {
      items[(*dataset)->example(i).id] = {(*dataset)->example(i).label, (*dataset)->ReadImage(i).value_or("")};
    }
    return items;
  }

  std::string path() const { return dir_.Join("catalogue.db"); }
  std::string snapshot() const { return dir_.Join("run/catalog"); }

  const testing::TempDir dir_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::stop_source stop_;
};

TEST_F(CatalogSnapshotTest, HasTheLabeledItemsAsTheyAre) {
  Open();
  Upsert("a/1", "first", "x");
  Upsert("b", "second", "y");
  Upsert("unlabelled", "third", std::nullopt);
  Upsert("gone", "fourth", "x");
  Upsert("a/1", "newer", "x");
  Delete("gone");
  const auto manifest = SnapshotCatalog(path(), snapshot(), stop_.get_token());
  ASSERT_OK(manifest);
  EXPECT_THAT(Read(*manifest), ElementsAre(Pair("a/1", Pair("x", "newer")), Pair("b", Pair("y", "second"))));
}

TEST_F(CatalogSnapshotTest, IsMadeOnce) {
  Open();
  Upsert("a", "first", "x");
  ASSERT_OK(SnapshotCatalog(path(), snapshot(), stop_.get_token()));
  Upsert("b", "second", "y");
  const auto again = SnapshotCatalog(path(), snapshot(), stop_.get_token());
  ASSERT_OK(again);
  EXPECT_EQ(Read(*again).size(), 1u);
  const auto awaited = AwaitCatalogSnapshot(snapshot(), stop_.get_token());
  ASSERT_OK(awaited);
  EXPECT_EQ(*awaited, *again);
}

TEST_F(CatalogSnapshotTest, EndsWhileItemsAreReplacedAndIsOfOneSequence) {
  Open();
  // One write replaces both items of a pair.
  const auto replace = [this](int pair, const std::string& image) {
    std::promise<absl::Status> done;
    const std::string id = absl::StrCat(pair);
    catalog_->Upsert({{.id = id + "/left", .image = image, .label = "left", .attributes = {}},
                      {.id = id + "/right", .image = image, .label = "right", .attributes = {}}},
                     [&done](const absl::StatusOr<catalog::WriteResult>& result) { done.set_value(result.status()); });
    ASSERT_OK(done.get_future().get());
  };
  constexpr int kPairs = 20;
  for (int pair = 0; pair < kPairs; ++pair) {
    replace(pair, "first");
  }
  std::atomic<bool> ended = false;
  std::thread writer([&] {
    for (int i = 0; !ended; ++i) {
      replace(i % kPairs, absl::StrCat("image ", i));
    }
  });
  const auto manifest = SnapshotCatalog(path(), snapshot(), stop_.get_token());
  ended = true;
  writer.join();
  ASSERT_OK(manifest);
  const auto items = Read(*manifest);
  ASSERT_EQ(items.size(), 2u * kPairs);
  for (int pair = 0; pair < kPairs; ++pair) {
    EXPECT_EQ(items.at(absl::StrCat(pair, "/left")).second, items.at(absl::StrCat(pair, "/right")).second);
  }
}

TEST_F(CatalogSnapshotTest, SaysWhatIsWrong) {
  const absl::Status missing = SnapshotCatalog(path(), snapshot(), stop_.get_token()).status();
  EXPECT_EQ(ReasonOf(missing), v1::ERROR_REASON_DATA_INVALID);
  EXPECT_EQ(ErrorField(missing), "data.catalog_path");
  Open();
  Upsert("a", "first", std::nullopt);
  EXPECT_EQ(ReasonOf(SnapshotCatalog(path(), snapshot(), stop_.get_token()).status()), v1::ERROR_REASON_DATA_INVALID);
  stop_.request_stop();
  EXPECT_TRUE(absl::IsCancelled(AwaitCatalogSnapshot(snapshot(), stop_.get_token()).status()));
}

}  // namespace
}  // namespace semblance::trainer
