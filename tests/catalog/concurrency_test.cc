#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "catalog/catalog.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::CatalogFixture;
using ::semblance::testing::ItemWithImage;
using ::semblance::testing::UpsertAndWait;

class ConcurrencyTest : public CatalogFixture {
 protected:
  static constexpr int kThreads = 8;
  static constexpr int kWritesOfThread = 50;

  // Every thread writes its own items, two in a request, without waiting for the answers.
  void WriteFromAllThreads(Catalog& catalog, const Catalog::WriteCallback& done) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&catalog, &done, thread] {
        for (int i = 0; i < kWritesOfThread; ++i) {
          const std::string id = std::to_string(thread) + "/" + std::to_string(i);
          catalog.Upsert({ItemWithImage(id + "a", id), ItemWithImage(id + "b", id)}, done);
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
};

TEST_F(ConcurrencyTest, EveryWriteIsAnsweredOnceInCommitOrderWithDenseSequences) {
  std::atomic<int> commits = 0;
  auto catalog = Open({.read_only = false, .on_commit = [&commits](absl::Duration) { ++commits; }});
  std::vector<uint64_t> sequences;  // Of the writer thread until the catalog is closed.
  WriteFromAllThreads(*catalog, [&sequences](const absl::StatusOr<WriteResult>& result) {
    ASSERT_OK(result);
    for (const Change& change : result->changes) {
      sequences.push_back(change.sequence);
    }
    EXPECT_EQ(result->last_sequence, sequences.back());
  });
  catalog.reset();
  std::vector<uint64_t> expected(2 * kThreads * kWritesOfThread);
  std::iota(expected.begin(), expected.end(), 1);
  EXPECT_EQ(sequences, expected);
  EXPECT_LT(commits, kThreads * kWritesOfThread);  // Some shared a transaction.
}

TEST_F(ConcurrencyTest, CountsAreNeverBehindAnAnswer) {
  const auto catalog = Open();
  WriteFromAllThreads(*catalog, [&catalog = *catalog](const absl::StatusOr<WriteResult>& result) {
    ASSERT_OK(result);
    EXPECT_GE(catalog.last_sequence(), result->last_sequence);
    EXPECT_EQ(static_cast<uint64_t>(catalog.item_count()), catalog.last_sequence());
  });
  EXPECT_OK(UpsertAndWait(*catalog, {}));  // The answers before it have all been given.
}

TEST_F(ConcurrencyTest, ReadersSeeWholeWritesWhileOthersWrite) {
  auto catalog = Open();
  std::atomic<bool> writing = true;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      do {
        const auto changes = catalog->ReadChanges(0, 10'000);
        ASSERT_OK(changes);
        EXPECT_EQ(changes->size() % 2, 0);
        if (!changes->empty()) {
          EXPECT_OK(catalog->ReadImage(changes->back().sequence));
        }
      } while (writing);
    });
  }
  WriteFromAllThreads(*catalog, [](const absl::StatusOr<WriteResult>& result) { EXPECT_OK(result); });
  writing = false;
  for (std::thread& reader : readers) {
    reader.join();
  }
}

TEST_F(ConcurrencyTest, ASecondOpeningReadsWhileTheFirstWrites) {
  const auto writer = Open();
  const auto reader = Open({.read_only = true, .on_commit = nullptr});
  for (int i = 1; i <= 50; ++i) {
    ASSERT_OK(UpsertAndWait(*writer, {ItemWithImage(std::to_string(i), "x")}));
    EXPECT_EQ(reader->item_count(), i);
    EXPECT_EQ(reader->ReadImage(static_cast<uint64_t>(i)).value_or("missing"), "x");
  }
}

}  // namespace
}  // namespace semblance::catalog
