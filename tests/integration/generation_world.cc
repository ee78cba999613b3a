#include "tests/integration/generation_world.h"

#include <signal.h>

#include <charconv>
#include <filesystem>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "embedder/bundle/bundle.h"
#include "gtest/gtest.h"
#include "tests/integration/generation_client.h"
#include "tests/integration/small_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/waits.h"

namespace semblance::testing {
namespace {

// The watch is off, so that tests decide what is registered and when.
constexpr char kConfig[] = "model_registry { watch_seconds: 0 } ";

std::string LearnFrom(const TempDir& dir, const std::string& bundle, PictureOracle& oracle) {
  ServerProcess server(dir.Join(absl::StrCat("learn ", bundle)), dir.Join(bundle));
  EXPECT_TRUE(server.WaitUntilServing());
  return oracle.Learn(server.channel());
}

}  // namespace

GenerationWorld::GenerationWorld(int more_items) {
  WritePatternFolder(dir_.Join("images"), 2, 2, 1);
  TrainSmallModel(dir_.Join("images"), dir_.Join("first"), 0, 1);
  TrainSmallModel(dir_.Join("images"), dir_.Join("other"), 0, 2);
  EXPECT_OK(CreateDirectories(dir_.Join("data/models/patterns")));
  EXPECT_OK(embedder::CopyBundle(dir_.Join("first"), dir_.Join("data/models/patterns/1")));
  EXPECT_OK(embedder::CopyBundle(dir_.Join("other"), dir_.Join("data/models/patterns/2")));
  other_space_ = LearnFrom(dir_, "other", oracle_);

  ServerProcess server(dir_.Join("data"), dir_.Join("first"));
  EXPECT_TRUE(server.WaitUntilServing());
  first_space_ = oracle_.Learn(server.channel());
  EXPECT_GT(oracle_.Distance(first_space_, other_space_), 10 * PictureOracle::kTolerance) << "the spaces cannot be told apart";
  const GenerationClient client(server.channel());
  for (const char* path : {"patterns/1", "patterns/2"}) {
    const RichError error = client.TryRegister(path);
    EXPECT_TRUE(error.ok()) << error;
  }
  std::map<int, std::string> labels;
  for (const auto& [a, b] : oracle_.MutualPairs(first_space_)) {
    labels[a] = labels[b] = absl::StrCat("pair of ", a);
  }
  WriteBaseItems(server.channel(), oracle_, ledger_, labels);
  const RichError error = WriteItems(server.channel(), oracle_, "more", more_items, ledger_);
  EXPECT_TRUE(error.ok()) << error;
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0);
}

void GenerationWorld::CopyTo(const std::string& data_dir) const {
  std::filesystem::copy(dir_.Join("data"), data_dir, std::filesystem::copy_options::recursive);
}

WorldCopy::WorldCopy(const GenerationWorld* world) {
  world->CopyTo(data_dir());
  Configure("");
}

WorldCopy::~WorldCopy() {
  for (const pid_t builder : Builders()) {
    ::kill(builder, SIGKILL);
  }
}

void WorldCopy::Configure(const std::string& text_proto) const {
  EXPECT_OK(WriteFileAtomically(dir_.Join("config.textproto"), absl::StrCat(kConfig, text_proto)));
}

std::unique_ptr<ServerProcess> WorldCopy::Start(const std::string& model) const {
  auto server =
      std::make_unique<ServerProcess>(data_dir(), model, std::vector<std::string>{"--config=" + dir_.Join("config.textproto")});
  EXPECT_TRUE(server->WaitUntilServing());
  return server;
}

std::vector<pid_t> WorldCopy::Builders() const {
  const std::string data_flag = absl::StrCat("--data_dir=", data_dir());
  std::vector<pid_t> builders;
  std::error_code ignored;  // Of processes that end meanwhile.
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) {
      continue;
    }
    const absl::StatusOr<std::string> command_line = ReadFile(absl::StrCat("/proc/", name, "/cmdline"));
    if (command_line.ok() && absl::StrContains(*command_line, "semblance-builder") && absl::StrContains(*command_line, data_flag)) {
      builders.push_back(pid);
    }
  }
  return builders;
}

pid_t WorldCopy::SuspendBuilder(const std::string& generation) const {
  const std::string directory = absl::StrCat(data_dir(), "/generations/", generation);
  // The builder writes this file when it holds its lock and is about to embed.
  AwaitInDirectory(directory, [&] { return PathExists(directory + "/progress.json"); });
  const std::vector<pid_t> builders = Builders();
  EXPECT_EQ(builders.size(), 1u);
  const pid_t builder = builders.empty() ? 0 : builders.front();
  if (builder > 0) {
    ::kill(builder, SIGSTOP);
  }
  EXPECT_FALSE(PathExists(directory + "/build.json")) << "the builder was too fast";
  return builder;
}

}  // namespace semblance::testing
