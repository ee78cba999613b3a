#include "generation/catalog_rows.h"

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/fake_embedder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_images.h"

namespace semblance::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr int kDimension = 6;

embedder::Image PictureOf(uint32_t seed) {
  return NoiseImage(8, 8, 1, seed);
}

// The sequence of every item, by id.
using Items = std::map<std::string, uint64_t>;

Items ItemsOf(const generation::CatalogState& state) {
  Items items;
  for (const catalog::CatalogItem& item : state.items) {
    EXPECT_TRUE(items.emplace(item.id, item.sequence).second) << item.id << " twice";
  }
  return items;
}

class CatalogRowsTest : public CatalogFixture {
 protected:
  // Returns the sequence of the write.
  uint64_t Upsert(const std::string& id, uint32_t picture) { return UpsertBytes(id, EncodePng(PictureOf(picture))); }

  uint64_t UpsertBytes(const std::string& id, std::string image) {
    const auto result = UpsertAndWait(*catalog_, {ItemWithImage(id, std::move(image))});
    EXPECT_OK(result);
    return result->last_sequence;
  }

  uint64_t Delete(const std::string& id) {
    const auto result = DeleteAndWait(*catalog_, {id});
    EXPECT_OK(result);
    return result->last_sequence;
  }

  // Writes `count` items, whose pictures show their numbers.
  void Fill(int count) {
    for (int i = 0; i < count; ++i) {
      Upsert(absl::StrCat("item-", i), static_cast<uint32_t>(i));
    }
  }

  std::unique_ptr<index::SegmentedIndex> OpenIndex() {
    const auto state = generation::ReadCatalogState(*catalog_);
    EXPECT_OK(state);
    index::SegmentedIndexOptions options;
    options.dimension = kDimension;
    options.seal_rows = 64;
    options.hnsw_ef_construction = 16;
    options.build_threads = 1;
    auto index = index::SegmentedIndex::Open(index_dir_.path(), options, state->Sequences(), state->sequence);
    EXPECT_OK(index);
    return *std::move(index);
  }

  const std::unique_ptr<catalog::Catalog> catalog_ = Open();
  FakeEmbedder embedder_{kDimension};
  const TempDir index_dir_;
};

TEST_F(CatalogRowsTest, AnEmptyCatalogHasAnEmptyState) {
  ASSERT_OK_AND_ASSIGN(const generation::CatalogState state, generation::ReadCatalogState(*catalog_));
  EXPECT_THAT(state.items, IsEmpty());
  EXPECT_EQ(state.sequence, 0u);
}

TEST_F(CatalogRowsTest, TheStateHasTheLastWriteOfEachItem) {
  Upsert("a", 1);
  const uint64_t b = Upsert("b", 2);
  Upsert("c", 3);
  const uint64_t a = Upsert("a", 4);
  const uint64_t last = Delete("c");
  ASSERT_OK_AND_ASSIGN(const generation::CatalogState state, generation::ReadCatalogState(*catalog_));
  EXPECT_THAT(state.Sequences(), ElementsAre(b, a));
  EXPECT_EQ(state.items[1].id, "a");
  EXPECT_EQ(state.sequence, last);
}

// A catalog that calls a function after every read of changes. The function can write, as others do while a large catalog is read.
class OvertakenCatalog final : public catalog::Catalog {
 public:
  OvertakenCatalog(const catalog::Catalog& catalog, std::function<void()> after_read)
      : catalog_(catalog), after_read_(std::move(after_read)) {}

  void Upsert(std::vector<catalog::ItemWrite> /*items*/, WriteCallback /*done*/) override {}
  void Delete(std::vector<std::string> /*ids*/, WriteCallback /*done*/) override {}
  absl::StatusOr<catalog::CatalogItem> Find(absl::string_view id) const override { return catalog_.Find(id); }
  absl::StatusOr<std::string> ReadImage(uint64_t sequence) const override { return catalog_.ReadImage(sequence); }
  absl::StatusOr<std::vector<catalog::CatalogItem>> List(absl::string_view after_id, int limit) const override {
    return catalog_.List(after_id, limit);
  }
  absl::StatusOr<std::vector<catalog::Change>> ReadChanges(uint64_t after_sequence, int limit) const override {
    auto changes = catalog_.ReadChanges(after_sequence, limit);
    after_read_();
    return changes;
  }
  int64_t item_count() const override { return catalog_.item_count(); }
  uint64_t last_sequence() const override { return catalog_.last_sequence(); }

 private:
  const catalog::Catalog& catalog_;
  const std::function<void()> after_read_;
};

TEST_F(CatalogRowsTest, TheStateIsThatOfOneMomentHoweverMuchIsWrittenMeanwhile) {
  // The catalog has more items than one read returns.
  std::vector<catalog::ItemWrite> items;
  Items expected;
  for (int i = 0; i < 5000; ++i) {
    items.push_back(ItemWithImage(absl::StrCat("item-", i), "image"));
  }
  ASSERT_OK(UpsertAndWait(*catalog_, std::move(items)));
  ASSERT_OK_AND_ASSIGN(const generation::CatalogState before, generation::ReadCatalogState(*catalog_));
  expected = ItemsOf(before);
  ASSERT_THAT(expected, SizeIs(5000));
  uint64_t last = 0;
  int reads = 0;
  const OvertakenCatalog overtaken(*catalog_, [&] {
    if (++reads == 1) {  // Replaces and deletes items that the first read returned, and items that it did not return.
      expected["item-0"] = UpsertBytes("item-0", "new");
      expected["item-4999"] = UpsertBytes("item-4999", "new");
      expected["late"] = UpsertBytes("late", "new");
      Delete("item-1");
      last = Delete("item-4998");
      expected.erase("item-1");
      expected.erase("item-4998");
    } else if (reads == 2) {  // This write comes after the last read, and must not count.
      UpsertBytes("item-2", "too late");
    }
  });
  ASSERT_OK_AND_ASSIGN(const generation::CatalogState state, generation::ReadCatalogState(overtaken));
  EXPECT_EQ(state.sequence, last);
  EXPECT_EQ(ItemsOf(state), expected);
}

TEST_F(CatalogRowsTest, TheStateOfASequenceIsTheReplayOfTheLogToThere) {
  // One thread writes and remembers the state after every write.
  std::map<uint64_t, Items> states;
  std::atomic<bool> written{false};
  std::thread writer([&] {
    std::mt19937 random(1);
    Items items;
    states[0] = items;
    for (int i = 0; i < 300; ++i) {
      const std::string id = absl::StrCat("item-", random() % 20);
      if (random() % 3 != 0) {
        const uint64_t sequence = UpsertBytes(id, "image");
        items[id] = sequence;
        states[sequence] = items;
      } else if (items.count(id) > 0) {
        const uint64_t sequence = Delete(id);
        items.erase(id);
        states[sequence] = items;
      }
    }
    written = true;
  });
  std::vector<generation::CatalogState> read;
  const std::unique_ptr<catalog::Catalog> reader = Open({.read_only = true, .on_commit = nullptr});
  while (!written) {
    const auto state = generation::ReadCatalogState(*reader);
    EXPECT_OK(state);
    read.push_back(*state);
  }
  writer.join();
  for (const generation::CatalogState& state : read) {
    ASSERT_EQ(states.count(state.sequence), 1u);
    EXPECT_EQ(ItemsOf(state), states[state.sequence]);
  }
}

TEST_F(CatalogRowsTest, EmbedsStoredImagesInTheOrderAskedFor) {
  const uint64_t a = Upsert("a", 1);
  const uint64_t b = Upsert("b", 2);
  ASSERT_OK_AND_ASSIGN(const generation::StoredVectors stored, generation::EmbedStored(*catalog_, embedder_, {b, a}));
  EXPECT_THAT(stored.sequences, ElementsAre(b, a));
  std::vector<float> expected = embedder_.VectorOf(PictureOf(2));
  const std::vector<float> second = embedder_.VectorOf(PictureOf(1));
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(stored.vectors, expected);
  EXPECT_THAT(embedder_.calls(), SizeIs(1));
}

TEST_F(CatalogRowsTest, LeavesOutWhatWasReplacedOrDeletedSince) {
  const uint64_t replaced = Upsert("a", 1);
  const uint64_t deleted = Upsert("b", 2);
  const uint64_t a = Upsert("a", 3);
  Delete("b");
  ASSERT_OK_AND_ASSIGN(generation::StoredVectors stored, generation::EmbedStored(*catalog_, embedder_, {replaced, deleted, a}));
  EXPECT_THAT(stored.sequences, ElementsAre(a));
  EXPECT_EQ(stored.vectors, embedder_.VectorOf(PictureOf(3)));
  ASSERT_OK_AND_ASSIGN(stored, generation::EmbedStored(*catalog_, embedder_, {replaced, deleted}));
  EXPECT_THAT(stored.sequences, IsEmpty());
  EXPECT_THAT(embedder_.calls(), SizeIs(1));
}

TEST_F(CatalogRowsTest, SaysWhichItemCannotBeEmbedded) {
  Upsert("a", 1);
  const uint64_t bad = UpsertBytes("b", "not an image");
  const auto index = OpenIndex();
  const absl::Status status = generation::EmbedMissing(*catalog_, embedder_, {}, *index);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(status, HasReason("UNMIGRATABLE_ITEMS"));
  EXPECT_THAT(status, StatusMessage(HasSubstr(absl::StrCat("sequence ", bad))));
}

class EmbedMissingTest : public CatalogRowsTest, public ::testing::WithParamInterface<int> {
 protected:
  generation::EmbedMissingOptions Options() const {
    generation::EmbedMissingOptions options;
    options.batch_size = 4;
    options.threads = GetParam();
    return options;
  }

  int64_t EmbeddedImages() const {
    int64_t count = 0;
    for (const auto& call : embedder_.calls()) {
      count += static_cast<int64_t>(call.size());
    }
    return count;
  }
};

TEST_P(EmbedMissingTest, AddsEveryMissingRow) {
  Fill(50);
  const auto index = OpenIndex();
  std::vector<int64_t> done;
  generation::EmbedMissingOptions options = Options();
  options.on_progress = [&](int64_t now, int64_t total) {
    EXPECT_EQ(total, 50);
    done.push_back(now);
  };
  ASSERT_OK(generation::EmbedMissing(*catalog_, embedder_, options, *index));
  EXPECT_THAT(done, SizeIs(13));
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), 50);
  EXPECT_EQ(index->Stats().live_rows, 50);
  ASSERT_OK_AND_ASSIGN(const generation::CatalogState state, generation::ReadCatalogState(*catalog_));
  for (size_t i = 0; i < state.items.size(); ++i) {
    EXPECT_THAT(index->Vector(state.items[i].sequence), IsOk());
    EXPECT_EQ(*index->Vector(state.items[i].sequence), embedder_.VectorOf(PictureOf(static_cast<uint32_t>(i))));
  }
}

TEST_P(EmbedMissingTest, AddsEveryRowInBatchesOfAnySizeWhereItRests) {
  Fill(50);
  const auto index = OpenIndex();
  generation::EmbedMissingOptions options = Options();
  options.rests = true;
  ASSERT_OK(generation::EmbedMissing(*catalog_, embedder_, options, *index));
  EXPECT_EQ(index->Stats().live_rows, 50);
  EXPECT_EQ(EmbeddedImages(), 50);
  EXPECT_THAT(embedder_.calls(), Each(SizeIs(AllOf(Ge(1), Le(4)))));
}

TEST_P(EmbedMissingTest, DoesNothingWhereNothingIsMissing) {
  const auto index = OpenIndex();
  EXPECT_OK(generation::EmbedMissing(*catalog_, embedder_, Options(), *index));
  EXPECT_THAT(embedder_.calls(), IsEmpty());
}

TEST_P(EmbedMissingTest, GoesOnWhereItWasStopped) {
  Fill(50);
  auto index = OpenIndex();
  std::stop_source stop;
  generation::EmbedMissingOptions options = Options();
  options.stop = stop.get_token();
  options.on_progress = [&](int64_t done, int64_t /*total*/) {
    if (done >= 20) {
      stop.request_stop();
    }
  };
  EXPECT_THAT(generation::EmbedMissing(*catalog_, embedder_, options, *index), StatusIs(absl::StatusCode::kCancelled));
  const int64_t embedded = EmbeddedImages();
  EXPECT_GE(embedded, 20);
  EXPECT_LT(embedded, 50);
  index.reset();

  index = OpenIndex();
  EXPECT_THAT(index->missing_keys(), SizeIs(50 - embedded));
  ASSERT_OK(generation::EmbedMissing(*catalog_, embedder_, Options(), *index));
  EXPECT_EQ(EmbeddedImages(), 50);
  EXPECT_EQ(index->Stats().live_rows, 50);
}

TEST_P(EmbedMissingTest, SkipsWhatIsReplacedMeanwhile) {
  Fill(20);
  const auto index = OpenIndex();
  Upsert("item-3", 100);
  Delete("item-4");
  ASSERT_OK(generation::EmbedMissing(*catalog_, embedder_, Options(), *index));
  EXPECT_EQ(index->Stats().live_rows, 18);
}

TEST_P(EmbedMissingTest, EndsAllThreadsAtTheFirstError) {
  Fill(50);
  const auto index = OpenIndex();
  embedder_.FailWith(absl::InternalError("no numbers"));
  EXPECT_THAT(generation::EmbedMissing(*catalog_, embedder_, Options(), *index), StatusMessage(HasSubstr("no numbers")));
  EXPECT_LE(embedder_.calls().size(), static_cast<size_t>(GetParam()));
  EXPECT_EQ(index->Stats().live_rows, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, EmbedMissingTest, ::testing::Values(1, 3));

}  // namespace
}  // namespace semblance::testing
