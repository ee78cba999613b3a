// Damaged files, failing writes and killed processes never cause a crash or a wrong vector, and the index names the rows that it
// lost.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/segmented_index.h"
#include "tests/index/index_kinds.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::semblance::testing::IsOk;
using ::semblance::testing::SpecOf;
using ::semblance::testing::TempDir;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<float> VectorOf(uint64_t key) {
  const float angle = 0.1F * static_cast<float>(key % 60);
  return {std::cos(angle), std::sin(angle)};
}

SegmentedIndexOptions Options(const char* factory, int seal_rows) {
  SegmentedIndexOptions options;
  options.dimension = 2;
  options.spec = SpecOf(factory);
  options.seal_rows = seal_rows;
  options.hnsw_ef_construction = 8;
  options.build_threads = 1;
  return options;
}

std::vector<uint64_t> KeysUpTo(uint64_t last) {
  std::vector<uint64_t> keys;
  for (uint64_t key = 1; key <= last; ++key) {
    keys.push_back(key);
  }
  return keys;
}

absl::Status Add(SegmentedIndex* index, uint64_t key) {
  return index->Apply({{key, VectorOf(key)}}, {}, key);
}

// Expects that every live key is either missing or has its vector, and that a search finds exactly the keys that are not missing.
void ExpectNothingWrong(const SegmentedIndex& index, const std::vector<uint64_t>& live_keys) {
  std::vector<uint64_t> found_keys;
  const auto found = index.Search({1, 0}, {.top_k = 1 << 20});
  ASSERT_OK(found);
  for (const ScoredKey& row : found->neighbors[0]) {
    found_keys.push_back(row.key);
  }
  std::vector<uint64_t> expected_keys;
  for (const uint64_t key : live_keys) {
    if (std::binary_search(index.missing_keys().begin(), index.missing_keys().end(), key)) {
      continue;
    }
    expected_keys.push_back(key);
    ASSERT_OK_AND_ASSIGN(const std::vector<float> vector, index.Vector(key));
    EXPECT_EQ(vector, VectorOf(key)) << key;
  }
  EXPECT_THAT(found_keys, ::testing::UnorderedElementsAreArray(expected_keys));
}

class DamagedFileTest : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr uint64_t kRows = 6;

  void SetUp() override {
    auto index = SegmentedIndex::Open(good_.path(), Options(GetParam(), 4), {}, 0);
    ASSERT_OK(index);
    for (uint64_t key = 1; key <= kRows; ++key) {
      ASSERT_OK(Add(index->get(), key));
    }
    (*index)->WaitForBackgroundWork();
    ASSERT_EQ((*index)->Stats().sealed_segments, 1);
    ASSERT_EQ((*index)->Stats().growing_rows, 2);
  }

  // Returns the name of a file that ends in `suffix`.
  std::string FileNamed(const std::string& suffix) {
    const auto names = ListDirectory(good_.path());
    EXPECT_OK(names);
    const auto name = std::find_if(names->begin(), names->end(), [&](const std::string& one) {
      return one.size() >= suffix.size() && one.compare(one.size() - suffix.size(), suffix.size(), suffix) == 0;
    });
    EXPECT_NE(name, names->end());
    return *name;
  }

  // Opens a copy of the index in which `file` has `content`. Returns the number of missing rows.
  size_t MissingRowsWith(const std::string& file, const std::string& content) {
    const TempDir damaged;
    std::filesystem::copy(good_.path(), damaged.path(),
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove(damaged.Join(file));
    EXPECT_TRUE(content.empty() || WriteFileAtomically(damaged.Join(file), content).ok());
    const auto index = SegmentedIndex::Open(damaged.path(), Options(GetParam(), 4), KeysUpTo(kRows), kRows);
    EXPECT_OK(index);
    if (!index.ok()) {
      return kRows;
    }
    ExpectNothingWrong(**index, KeysUpTo(kRows));
    return (*index)->missing_keys().size();
  }

  // Calls `check` with the number of missing rows after each flipped byte and for each shorter file.
  template <typename Check>
  void DamageEveryByte(const std::string& file, const Check& check) {
    ASSERT_OK_AND_ASSIGN(const std::string content, ReadFile(good_.Join(file)));
    for (size_t at = 0; at < content.size(); ++at) {
      SCOPED_TRACE(::testing::Message() << file << ", byte " << at);
      std::string flipped = content;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x04);
      check(MissingRowsWith(file, flipped), at);
      check(MissingRowsWith(file, content.substr(0, at)), at);
    }
  }

  TempDir good_;
};

TEST_P(DamagedFileTest, ADamagedSegmentCostsItsRows) {
  DamageEveryByte(FileNamed(".segment"), [](size_t missing, size_t) { EXPECT_EQ(missing, 4U); });
}

TEST_P(DamagedFileTest, ADamagedLogCostsAtMostItsRows) {
  DamageEveryByte(FileNamed(".log"), [](size_t missing, size_t) {
    EXPECT_GE(missing, 1U);
    EXPECT_LE(missing, 2U);
  });
}

TEST_P(DamagedFileTest, ADamagedManifestCostsNothing) {
  DamageEveryByte("MANIFEST", [](size_t missing, size_t) { EXPECT_EQ(missing, 0U); });
}

TEST_P(DamagedFileTest, AMissingFileCostsItsRows) {
  EXPECT_EQ(MissingRowsWith("MANIFEST", ""), 0U);
  EXPECT_EQ(MissingRowsWith(FileNamed(".segment"), ""), 4U);
  EXPECT_EQ(MissingRowsWith(FileNamed(".log"), ""), 2U);
}

TEST_P(DamagedFileTest, KeepsADamagedFileForInspectionAndTakesItsRowsAgain) {
  const std::string segment = FileNamed(".segment");
  ASSERT_OK(WriteFileAtomically(good_.Join(segment), "damaged"));
  {
    ASSERT_OK_AND_ASSIGN(auto index, SegmentedIndex::Open(good_.path(), Options(GetParam(), 4), KeysUpTo(kRows), kRows));
    EXPECT_TRUE(PathExists(good_.Join(segment + ".corrupt")));
    for (const uint64_t key : index->missing_keys()) {
      ASSERT_OK(index->AddMissing({{key, VectorOf(key)}}));
    }
  }
  ASSERT_OK_AND_ASSIGN(auto index, SegmentedIndex::Open(good_.path(), Options(GetParam(), 4), KeysUpTo(kRows), kRows));
  EXPECT_THAT(index->missing_keys(), IsEmpty());
  ExpectNothingWrong(*index, KeysUpTo(kRows));
}

INSTANTIATE_TEST_SUITE_P(Kinds, DamagedFileTest, ::testing::ValuesIn(::semblance::testing::kAllKinds));

// While this object exists, no file of the process can grow beyond `bytes`. A write beyond the limit fails, in part or as a whole.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  const sighandler_t handler_;
  rlimit before_ = {};
};

TEST(FailingWrites, LeaveTheStateBeforeAndMayBeTriedAgain) {
  for (rlim_t limit = 0; limit < 400; limit += 7) {
    SCOPED_TRACE(::testing::Message() << "no file beyond " << limit << " bytes");
    const TempDir dir;
    ASSERT_OK_AND_ASSIGN(auto index, SegmentedIndex::Open(dir.path(), Options("Flat", 4), {}, 0));
    ASSERT_OK(Add(index.get(), 1));
    std::vector<std::vector<float>> vectors;
    std::vector<IndexAdd> adds;
    for (uint64_t key = 2; key <= 10; ++key) {
      vectors.push_back(VectorOf(key));
    }
    for (uint64_t key = 2; key <= 10; ++key) {
      adds.push_back({key, vectors[key - 2]});
    }
    absl::Status failed;
    {
      const FileSizeLimit full(limit);
      failed = index->Apply(adds, {{1, 10}}, 10);
      index->WaitForBackgroundWork();
    }
    if (!failed.ok()) {
      EXPECT_EQ(index->applied_sequence(), 1U);
      ExpectNothingWrong(*index, {1});
      ASSERT_OK(index->Apply(adds, {{1, 10}}, 10));
    }
    ExpectNothingWrong(*index, {2, 3, 4, 5, 6, 7, 8, 9, 10});
    index.reset();
    ASSERT_OK_AND_ASSIGN(index, SegmentedIndex::Open(dir.path(), Options("Flat", 4), KeysUpTo(10), 10));
    ExpectNothingWrong(*index, KeysUpTo(10));
    EXPECT_TRUE(std::all_of(index->missing_keys().begin(), index->missing_keys().end(), [](uint64_t key) { return key == 1; }));
  }
}

TEST(FailingWrites, DoFailInTheTestAbove) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(auto index, SegmentedIndex::Open(dir.path(), Options("Flat", 4), {}, 0));
  const FileSizeLimit full(0);
  EXPECT_THAT(Add(index.get(), 1), Not(IsOk()));
}

// Adds rows until the process is killed, and reports every applied row on `pipe`.
[[noreturn]] void WriteUntilKilled(const std::string& directory, uint64_t last, int pipe) {
  auto index = SegmentedIndex::Open(directory, Options("Flat", 3), KeysUpTo(last), last);
  if (!index.ok() || !(*index)->missing_keys().empty()) {
    ::_exit(1);
  }
  while (Add(index->get(), ++last).ok()) {
    if (::write(pipe, &last, sizeof(last)) != sizeof(last)) {
      break;
    }
  }
  ::_exit(2);
}

// Starts a writer that continues after `last`, and kills it after `steps` steps. Returns the last row that it reported.
uint64_t KillWriterAfter(const std::string& directory, uint64_t last, int steps) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    WriteUntilKilled(directory, last, ends[1]);
  }
  ::close(ends[1]);
  uint64_t reported = 0;
  bool killed = false;
  while (::read(ends[0], &reported, sizeof(reported)) == sizeof(reported)) {
    last = reported;
    if (--steps <= 0 && !killed) {
      killed = ::kill(child, SIGKILL) == 0;
    }
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);
  return last;
}

TEST(KilledProcess, LosesNoAppliedRow) {
  const TempDir dir;
  uint64_t last = 0;
  for (int round = 0; round < 15; ++round) {
    last = KillWriterAfter(dir.path(), last, 5 + 3 * round);
  }
  ASSERT_OK_AND_ASSIGN(auto index, SegmentedIndex::Open(dir.path(), Options("Flat", 3), KeysUpTo(last), last));
  EXPECT_THAT(index->missing_keys(), IsEmpty());
  ExpectNothingWrong(*index, KeysUpTo(last));
}

}  // namespace
}  // namespace semblance::index
