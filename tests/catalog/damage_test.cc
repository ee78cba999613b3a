// A damaged file causes an error that says so. It never causes a crash or returns another image than the one that was written.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::CatalogFixture;
using ::semblance::testing::ItemWithImage;
using ::semblance::testing::StatusIs;
using ::semblance::testing::UpsertAndWait;

class DamageTest : public CatalogFixture {
 protected:
  // Returns the bytes of a small catalog that has no log beside it.
  std::string MakeCatalog() {
    auto catalog = Open();
    std::vector<ItemWrite> items;
    for (char c = 'a'; c <= 'h'; ++c) {
      items.push_back(ItemWithImage(std::string(1, c), ImageOf(std::string(1, c))));
      items.back().attributes = {{"size", int64_t{c}}};
    }
    EXPECT_OK(UpsertAndWait(*catalog, items));
    EXPECT_OK(testing::DeleteAndWait(*catalog, {"d"}));
    catalog.reset();  // The last connection to close copies the log into the file.
    return ReadFile(path()).value_or("");
  }

  static std::string ImageOf(const std::string& id) { return std::string(1000, id[0]); }

  void PutCatalog(const std::string& bytes) {
    ASSERT_OK(RemoveAll(path() + "-wal"));
    ASSERT_OK(RemoveAll(path() + "-shm"));
    // Writes without a sync, because thousands of flushes would take longer than everything else.
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
    ASSERT_EQ(FileSize(path()).value_or(-1), static_cast<int64_t>(bytes.size()));
  }

  static void ExpectDamage(const absl::Status& status) {
    EXPECT_THAT(status, ::testing::AnyOf(StatusIs(absl::StatusCode::kDataLoss), StatusIs(absl::StatusCode::kNotFound)));
  }

  // Opens the catalog and reads everything. Returns true if nothing was found wrong.
  bool ReadEverything() {
    auto catalog = OpenSqliteCatalog(path(), {});
    if (!catalog.ok()) {
      // A damaged header may name another program, a newer version or a newer file format, and is then taken for that.
      EXPECT_THAT(catalog, ::testing::AnyOf(StatusIs(absl::StatusCode::kDataLoss), StatusIs(absl::StatusCode::kFailedPrecondition),
                                            StatusIs(absl::StatusCode::kPermissionDenied)));
      return false;
    }
    const auto changes = (*catalog)->ReadChanges(0, 100);
    const auto items = (*catalog)->List("", 100);
    bool whole = changes.ok() && items.ok();
    for (const CatalogItem& item : items.value_or(std::vector<CatalogItem>{})) {
      const auto image = (*catalog)->ReadImage(item.sequence);
      whole = whole && image.ok();
      if (image.ok()) {
        EXPECT_EQ(image->size(), 1000);
        EXPECT_EQ(*image, ImageOf(*image));
      } else {
        ExpectDamage(image.status());
      }
    }
    return whole;
  }
};

TEST_F(DamageTest, ANoDatabaseAtAllIsDataLoss) {
  PutCatalog(std::string(5000, 'x'));
  EXPECT_THAT(OpenSqliteCatalog(path(), {}), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(OpenSqliteCatalog(path(), {.read_only = true, .on_commit = nullptr}), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, ATruncatedFileIsNeverTakenForWhole) {
  const std::string bytes = MakeCatalog();
  ASSERT_GT(bytes.size(), 4 * 4096);
  for (size_t size = bytes.size() - 1; size > 0; size -= std::min<size_t>(size, 509)) {
    PutCatalog(bytes.substr(0, size));
    EXPECT_FALSE(ReadEverything()) << size << " of " << bytes.size() << " bytes";
  }
}

TEST_F(DamageTest, AFlippedByteNeverCrashesOrChangesAnImage) {
  const std::string bytes = MakeCatalog();
  int noticed = 0;
  for (size_t at = 0; at < bytes.size(); at += at < 200 ? 1 : 37) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    PutCatalog(damaged);
    noticed += ReadEverything() ? 0 : 1;
  }
  EXPECT_GT(noticed, 100);
}

TEST_F(DamageTest, AFlippedByteOfAnImageIsDataLoss) {
  std::string bytes = MakeCatalog();
  const size_t at = bytes.find(ImageOf("c"));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 500] = '?';
  PutCatalog(bytes);
  const auto catalog = Open();
  EXPECT_THAT(catalog->ReadImage(3), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(catalog->ReadImage(2));
}

}  // namespace
}  // namespace semblance::catalog
