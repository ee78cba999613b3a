// A limit on the size of files makes the file system refuse writes.
#include <signal.h>
#include <sys/resource.h>

#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::CatalogFixture;
using ::semblance::testing::DeleteAndWait;
using ::semblance::testing::HasReason;
using ::semblance::testing::ItemWithImage;
using ::semblance::testing::StatusIs;
using ::semblance::testing::UpsertAndWait;
using ::testing::AllOf;

// While this object exists, no file of this process can grow beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = ::signal(SIGXFSZ, SIG_IGN);  // A write beyond the limit is then an error instead of a signal.
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    ::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_limit_;
  void (*old_handler_)(int);
};

class StorageFailureTest : public CatalogFixture {
 protected:
  // Returns a catalog with the item "a", after a write of "b" that did not fit.
  std::unique_ptr<Catalog> OpenAndFail() {
    auto catalog = Open();
    EXPECT_OK(UpsertAndWait(*catalog, {ItemWithImage("a", "kept")}));
    const FileSizeLimit limit(200'000);
    EXPECT_THAT(UpsertAndWait(*catalog, {ItemWithImage("b", std::string(1 << 20, 'x'))}),
                AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("READ_ONLY")));
    return catalog;
  }
};

TEST_F(StorageFailureTest, ReadingGoesOnAfterAFailedCommit) {
  const auto catalog = OpenAndFail();
  EXPECT_EQ(catalog->item_count(), 1);
  EXPECT_EQ(catalog->last_sequence(), 1);
  EXPECT_EQ(catalog->ReadImage(1).value(), "kept");
  EXPECT_THAT(catalog->Find("b"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(StorageFailureTest, WritesAreRefusedEvenWhenThereIsRoomAgain) {
  const auto catalog = OpenAndFail();
  EXPECT_THAT(UpsertAndWait(*catalog, {ItemWithImage("c", "x")}),
              AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("READ_ONLY")));
  EXPECT_THAT(DeleteAndWait(*catalog, {"a"}), HasReason("READ_ONLY"));
}

TEST_F(StorageFailureTest, OpeningAgainAllowsWrites) {
  OpenAndFail();
  const auto catalog = Open();
  EXPECT_EQ(catalog->item_count(), 1);
  ASSERT_OK_AND_ASSIGN(const WriteResult result, UpsertAndWait(*catalog, {ItemWithImage("c", "x")}));
  EXPECT_EQ(result.last_sequence, 2);
}

}  // namespace
}  // namespace semblance::catalog
