// Tests crashes at every rename of an activation. The test copies the data directory before and after each rename, and starts an
// engine on each copy.
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/generations/generation_fixture.h"
#include "tests/testing/rename_hook.h"

namespace semblance::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

using State = service::GenerationState;
using Items = std::map<std::string, uint32_t>;

// The files that a crash leaves, and the state that the restarted server must have.
struct Crash {
  std::string moment;
  std::string directory;
  // All acknowledged items.
  Items items;
  std::string active;
  std::string previous;
};

class ActivationCrashTest : public ::testing::Test, public GenerationFixture {
 protected:
  // Starts a server whose active generation gen-000001 has two items.
  void StartWithItems() {
    // A segment has more rows than the test writes, so no segment is sealed while files are copied.
    config().mutable_index()->set_seal_rows(1000);
    ASSERT_OK(StartAll("model"));
    Put();
    Put();
    active_ = "gen-000001";
  }

  // Writes an item and waits until the write is acknowledged.
  void Put() {
    const auto number = static_cast<uint32_t>(items_.size());
    ASSERT_OK(Upsert({ItemOf(absl::StrCat(number), number)}));
    items_[absl::StrCat(number)] = number;
  }

  void Activate(const std::string& id) {
    ASSERT_OK(generations().Activate(id, active_, false));
    EXPECT_EQ(ActiveId(), id);
    ReadPointer();
  }

  // Copies the data directory before and after each rename of `activate`, with a write before each copy. `done` gets the file that
  // was replaced, and runs after each rename.
  void CrashAtEachRename(
      const std::function<void()>& activate, const std::function<void(const std::string&)>& done = [](const std::string&) {}) {
    const auto before = [this](const std::string& from, const std::string& to) {
      Put();
      const std::string file = Relative(to);
      Copy(absl::StrCat("before ", file, " is replaced"));
      // The crash came before the new content was complete.
      const Crash& half = Copy(absl::StrCat("while ", file, " is written"));
      const std::string temporary = half.directory + "/" + Relative(from);
      fs::resize_file(temporary, fs::file_size(temporary) / 2);
    };
    const auto after = [&](const std::string&, const std::string& to) {
      const std::string file = Relative(to);
      replaced_.push_back(file);
      if (file == "active.json") {
        ReadPointer();
      }
      Put();
      Copy(absl::StrCat("after ", file, " was replaced"));
      done(file);
    };
    const RenameHook hook(before, after);
    activate();
  }

  const Crash& Copy(const std::string& moment) {
    crashes_.push_back({.moment = moment,
                        .directory = copies_.Join(absl::StrCat(crashes_.size())),
                        .items = items_,
                        .active = active_,
                        .previous = previous_});
    fs::copy(data_dir(), crashes_.back().directory, fs::copy_options::recursive);
    return crashes_.back();
  }

  void ExpectEachIsRecovered() {
    StopAll();
    for (const Crash& crash : crashes_) {
      SCOPED_TRACE(crash.moment);
      ExpectRecovered(crash);
    }
  }

  std::vector<std::string> replaced_;
  std::string active_;
  std::string previous_;

 private:
  void ReadPointer() {
    const auto pointer = engine().store().ReadActive();
    ASSERT_OK(pointer);
    active_ = (*pointer)->generation();
    previous_ = (*pointer)->previous();
  }

  std::string Relative(const std::string& path) { return fs::relative(path, data_dir()).string(); }

  // Expects every loaded generation to have all acknowledged items.
  static void ExpectAllEqual(GenerationFixture& server, const Items& items) {
    const auto list = server.generations().List();
    ASSERT_OK(list);
    for (const service::GenerationInfo& info : list->generations) {
      const std::string& id = info.manifest.id();
      const State state = server.AwaitEnd(id).state;
      EXPECT_EQ(state == State::kActive, id == server.ActiveId()) << id;
      EXPECT_TRUE(service::IsLive(state)) << id << " is " << service::GenerationStateName(state);
      server.ExpectEquals(id, items);
    }
  }

  static void ExpectRecovered(const Crash& crash) {
    GenerationFixture server;
    server.config().mutable_index()->set_seal_rows(1000);
    fs::copy(crash.directory, server.data_dir(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    ASSERT_OK(server.StartAll(""));
    EXPECT_EQ(server.engine().status().state, service::EngineState::kServing) << server.engine().status().reason;
    ASSERT_EQ(server.ActiveId(), crash.active);
    EXPECT_EQ(server.generations().List()->previous, crash.previous);
    ExpectAllEqual(server, crash.items);
    // Files that the crash left behind must not hinder a later activation.
    const std::string other = crash.active == "gen-000002" ? "gen-000001" : "gen-000002";
    ASSERT_OK(server.generations().Activate(other, crash.active, false));
    Items items = crash.items;
    ASSERT_OK(server.Upsert({ItemOf("later", 500)}));
    items["later"] = 500;
    ASSERT_OK(server.generations().Rollback(other));
    server.ExpectEquals(crash.active, items);
    server.ExpectEquals(other, items);
  }

  const TempDir copies_;
  Items items_;
  std::vector<Crash> crashes_;
};

TEST_F(ActivationCrashTest, OfANewGenerationLeavesTheOldOneOrTheNewOne) {
  StartWithItems();
  const std::string second = BuildReady("other");
  CrashAtEachRename([&] { Activate(second); });
  EXPECT_THAT(replaced_, ElementsAre("generations/gen-000002/state.json", "active.json"));
  ExpectEachIsRecovered();
}

TEST_F(ActivationCrashTest, ThatRetiresAnOlderGenerationLeavesTheOldOneOrTheNewOne) {
  StartWithItems();
  const std::string second = BuildReady("other");
  Activate(second);
  const std::string third = BuildReady("third");
  CrashAtEachRename([&] { Activate(third); });
  EXPECT_THAT(replaced_, ElementsAre("generations/gen-000003/state.json", "active.json", "generations/gen-000001/state.json"));
  EXPECT_EQ(previous_, second);
  // Imitates a removal that was interrupted right after the manifest, which is removed first.
  AwaitGone("gen-000001");
  ASSERT_OK(CreateDirectories(data_dir() + "/generations/gen-000001/bundle"));
  Copy("while the older generation is removed");
  ExpectEachIsRecovered();
}

TEST_F(ActivationCrashTest, OfARollbackLeavesTheOldOneOrTheNewOne) {
  StartWithItems();
  Activate(BuildReady("other"));
  CrashAtEachRename([&] { EXPECT_OK(generations().Rollback(active_)); });
  EXPECT_THAT(replaced_, ElementsAre("active.json"));
  EXPECT_EQ(ActiveId(), "gen-000001");
  ExpectEachIsRecovered();
}

// The pointer is made durable before writes are held. If they cannot be held, the pointer is restored.
TEST_F(ActivationCrashTest, ThatFailsLeavesTheOldOneOrTheNewOne) {
  StartWithItems();
  const std::string second = BuildReady("other");
  service::LiveGenerations::Ptr taken;
  CrashAtEachRename([&] { EXPECT_FALSE(generations().Activate(second, "", false).ok()); },
                    [&](const std::string& file) {
                      if (file == "active.json" && taken == nullptr) {
                        taken = engine().live().Remove(second);
                      }
                    });
  EXPECT_THAT(replaced_, ElementsAre("generations/gen-000002/state.json", "active.json", "active.json"));
  EXPECT_EQ(active_, "gen-000001");
  EXPECT_EQ(ActiveId(), "gen-000001");
  taken.reset();
  ExpectEachIsRecovered();
}

}  // namespace
}  // namespace semblance::testing
