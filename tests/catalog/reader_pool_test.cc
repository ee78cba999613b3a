#include "catalog/reader_pool.h"

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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

class ReaderPoolTest : public CatalogFixture {
 protected:
  void SetUp() override {
    catalog_ = Open();
    ASSERT_OK(UpsertAndWait(*catalog_, {ItemWithImage("a", "1")}));
  }

  std::unique_ptr<Catalog> catalog_;
  const ReaderPool pool_{path()};
};

TEST_F(ReaderPoolTest, LendsTheSameConnectionAgainOnceItIsBack) {
  const ChangeReader* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const ReaderPool::Lease lease, pool_.Borrow());
    first = first == nullptr ? lease.get() : first;
    EXPECT_EQ(lease.get(), first);
    EXPECT_OK(lease->Find("a"));
  }
}

TEST_F(ReaderPoolTest, LendsOneConnectionToOneBorrowerAtATime) {
  std::vector<ReaderPool::Lease> leases;
  std::set<const ChangeReader*> readers;
  for (int i = 0; i < 30; ++i) {
    auto lease = pool_.Borrow();
    ASSERT_OK(lease);
    readers.insert(lease->get());
    leases.push_back(*std::move(lease));
  }
  EXPECT_EQ(readers.size(), 30U);
}

TEST_F(ReaderPoolTest, KeepsAtMostSixteenIdleConnections) {
  const auto open_files = [] { return ListDirectory("/proc/self/fd").value().size(); };
  std::vector<ReaderPool::Lease> leases;
  for (int i = 0; i < 40; ++i) {
    auto lease = pool_.Borrow();
    ASSERT_OK(lease);
    ASSERT_OK((*lease)->Find("a"));  // A connection opens its files with the first query.
    leases.push_back(*std::move(lease));
  }
  const size_t with_forty = open_files();
  leases.clear();
  const size_t with_idle = open_files();
  EXPECT_LE(with_idle, with_forty - 24);
  EXPECT_OK((*pool_.Borrow())->Find("a"));
  EXPECT_EQ(open_files(), with_idle) << "an idle connection is used instead of a new one";
}

TEST_F(ReaderPoolTest, ServesManyThreads) {
  std::atomic<int> found = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([this, &found] {
      for (int i = 0; i < 50; ++i) {
        const auto lease = pool_.Borrow();
        ASSERT_OK(lease);
        found += (*lease)->ReadImage(1).value_or("") == "1" ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(found, 400);
}

TEST_F(ReaderPoolTest, ReturnsTheErrorOfOpening) {
  const ReaderPool missing(dir_.Join("missing.db"));
  EXPECT_THAT(missing.Borrow(), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace semblance::catalog
