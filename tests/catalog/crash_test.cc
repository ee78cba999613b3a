// After a kill -9 during writes, every acknowledged write is there. Any other write is there as a whole or not at all.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
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

constexpr int kItemsOfWrite = 3;
constexpr int kWritesInFlight = 200;

std::string IdOf(int round, uint32_t write, int item) {
  return std::to_string(round) + "/" + std::to_string(write) + "/" + std::to_string(item);
}

std::string ImageOf(const std::string& id) {
  std::string image = id;
  image.resize(3000, '.');
  return image;
}

// Writes until the process is killed. Write number w stores kItemsOfWrite items; every third one instead deletes the items of the
// previous write, as a write of its own. The numbers of acknowledged writes go to the pipe.
[[noreturn]] void WriteForever(const std::string& path, int round, int pipe) {
  auto catalog = OpenSqliteCatalog(path, {});
  if (!catalog.ok()) {
    ::_exit(1);
  }
  for (uint32_t write = 0;; ++write) {
    std::vector<ItemWrite> items;
    std::vector<std::string> old_ids;
    for (int i = 0; i < kItemsOfWrite; ++i) {
      const std::string id = IdOf(round, write, i);
      items.push_back(ItemWithImage(id, ImageOf(id)));
      old_ids.push_back(IdOf(round, write - 1, i));
    }
    const auto acknowledge = [pipe, write](const absl::StatusOr<WriteResult>& result) {
      if (!result.ok() || ::write(pipe, &write, sizeof(write)) != sizeof(write)) {
        ::_exit(1);
      }
    };
    if (write % 3 == 2) {
      (*catalog)->Delete(old_ids, acknowledge);
    } else {
      (*catalog)->Upsert(items, acknowledge);
    }
    if (write % kWritesInFlight == kWritesInFlight - 1) {
      (void)testing::UpsertAndWait(**catalog, {});
    }
  }
}

class CrashTest : public CatalogFixture {
 protected:
  // Starts a writer, kills it after this many acknowledgements, and returns all acknowledged numbers.
  std::set<uint32_t> KillAfter(int round, int acknowledgements) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      WriteForever(path(), round, ends[1]);
    }
    ::close(ends[1]);
    std::set<uint32_t> acknowledged;
    uint32_t write = 0;
    while (::read(ends[0], &write, sizeof(write)) == sizeof(write)) {
      acknowledged.insert(write);
      if (static_cast<int>(acknowledged.size()) == acknowledgements) {
        ::kill(child, SIGKILL);
      }
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the writer failed by itself";
    return acknowledged;
  }

  // Returns how many items of a write are there. Expects that each of them is whole.
  int CountItems(const Catalog& catalog, int round, uint32_t write) {
    int count = 0;
    for (int i = 0; i < kItemsOfWrite; ++i) {
      const auto item = catalog.Find(IdOf(round, write, i));
      if (item.ok()) {
        EXPECT_EQ(catalog.ReadImage(item->sequence).value_or("missing"), ImageOf(item->id));
        ++count;
      }
    }
    return count;
  }

  void ExpectAcknowledgedAndWhole(const Catalog& catalog, int round, const std::set<uint32_t>& acknowledged) {
    const uint32_t end = *acknowledged.rbegin() + 2 * kWritesInFlight + 2;
    for (uint32_t write = 0; write < end; ++write) {
      if (write % 3 == 2) {
        continue;
      }
      const int count = CountItems(catalog, round, write);
      EXPECT_TRUE(count == 0 || count == kItemsOfWrite) << "write " << write << " is half there";
      const bool deletes_it = write % 3 == 1;
      if (deletes_it && acknowledged.count(write + 1) > 0) {
        EXPECT_EQ(count, 0) << "a delete came back";
      } else if (!deletes_it && acknowledged.count(write) > 0) {
        EXPECT_EQ(count, kItemsOfWrite) << "write " << write << " is lost";
      }
    }
  }
};

TEST_F(CrashTest, AcknowledgedWritesSurviveKillAndNoWriteIsHalfThere) {
  std::mt19937 random(7);
  std::vector<std::set<uint32_t>> rounds;
  for (int round = 0; round < 20; ++round) {
    rounds.push_back(KillAfter(round, 1 + static_cast<int>(random() % 400)));
    ASSERT_FALSE(rounds.back().empty());
    ExpectAcknowledgedAndWhole(*Open(), round, rounds.back());
  }
  const auto catalog = Open();
  for (int round = 0; round < 20; ++round) {
    ExpectAcknowledgedAndWhole(*catalog, round, rounds[static_cast<size_t>(round)]);
  }
}

}  // namespace
}  // namespace semblance::catalog
