// An engine with its generations. The builder runs in this process, and calls wait for their effects.
#ifndef SEMBLANCE_TESTS_SERVICE_GENERATIONS_GENERATION_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_GENERATIONS_GENERATION_FIXTURE_H_

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "builder/builder.h"
#include "common/clock.h"
#include "common/program/process.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "config/server_config.h"
#include "service/generations/generation_lifecycle.h"
#include "service/jobs/job_launcher.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {

// Runs BuildGeneration on a thread instead of starting semblance-builder.
class InProcessLauncher final : public service::JobLauncher {
 public:
  // The exit codes of the next starts. These starts build nothing.
  std::vector<int> failures;
  std::atomic<int> starts = 0;

  absl::StatusOr<std::unique_ptr<service::Job>> Start(const service::JobSpec& spec) override {
    ++starts;
    if (!failures.empty()) {
      const int exit_code = failures.front();
      failures.erase(failures.begin());
      return std::make_unique<Thread>([exit_code](const std::stop_token&) { return exit_code; });
    }
    return std::make_unique<Thread>([arguments = spec.arguments](const std::stop_token& stop) { return Build(arguments, stop); });
  }

  // A builder is a thread here and ends with its process, so a new server never finds one.
  absl::StatusOr<std::unique_ptr<service::Job>> Attach(const std::string& name) override { return absl::NotFoundError(name); }
  bool LaunchesReplicas() const override { return false; }

 private:
  class Thread final : public service::Job {
   public:
    explicit Thread(std::function<int(const std::stop_token&)> run)
        : exit_code_(std::async(std::launch::async, [this, run = std::move(run)] { return run(stop_.get_token()); })) {}

    std::optional<int> Wait(absl::Duration limit) override {
      if (exit_code_.wait_for(absl::ToChronoMicroseconds(limit)) == std::future_status::ready) {
        return exit_code_.get();
      }
      return std::nullopt;
    }
    void Stop(absl::Duration) override {
      stop_.request_stop();
      exit_code_.wait();
    }

   private:
    std::stop_source stop_;
    std::future<int> exit_code_;
  };

  static int Build(const std::vector<std::string>& arguments, const std::stop_token& stop) {
    builder::BuildOptions options;
    for (absl::string_view argument : arguments) {
      if (absl::ConsumePrefix(&argument, "--data_dir=")) {
        options.data_dir = std::string(argument);
      } else if (absl::ConsumePrefix(&argument, "--generation=")) {
        options.generation_id = std::string(argument);
      }
    }
    v1::IndexConfig index;
    index.set_factory("Flat");
    options.index = *config::CompleteIndexConfig(index);
    options.stop = stop;
    options.batch_size = 4;
    options.new_embedder = [](const std::string& directory) -> absl::StatusOr<std::unique_ptr<embedder::Embedder>> {
      auto manifest = embedder::ReadBundleManifest(directory);
      if (!manifest.ok()) {
        return manifest.status();
      }
      return std::make_unique<BundledFakeEmbedder>(*std::move(manifest));
    };
    const absl::Status status = builder::BuildGeneration(options);
    return status.ok() ? kExitDone : builder::IsWorthAnotherTry(status) ? kExitTransient : kExitBadInput;
  }
};

class GenerationFixture : public EngineFixture {
 public:
  GenerationFixture() {
    config().mutable_generations()->set_grace_seconds(0);
    WriteModel("other", 2);
    WriteModel("third", 3);
  }
  ~GenerationFixture() { StopAll(); }

  // Starts the engine and its generations; see EngineFixture::Start.
  absl::Status StartAll(const std::string& model) {
    StopAll();
    absl::Status status = Start(model);
    if (!status.ok()) {
      return status;
    }
    lifecycle_ = std::make_unique<service::GenerationLifecycle>(
        service::GenerationLifecycleOptions{
            .build = {.builder_path = "builder", .data_dir = data_dir(), .config_path = "", .threads = 0, .retry_delay = {}},
            .metrics = nullptr},
        &engine(), &launcher_, &clock_);
    return lifecycle_->Start();
  }

  void StopAll() {
    lifecycle_.reset();
    Stop();
  }

  service::GenerationLifecycle& generations() { return *lifecycle_; }
  InProcessLauncher& launcher() { return launcher_; }
  SystemClock& clock() { return clock_; }

  service::GenerationSpec SpecOf(const std::string& model) {
    service::GenerationSpec spec;
    spec.bundle_dir = ModelDir(model);
    spec.gates.set_sample_size(50);
    return spec;
  }

  // Waits until the generation is in one of the states `until`, or is gone. Calls `on_state` after each change, beginning with the
  // present state.
  service::GenerationInfo AwaitState(
      const std::string& id, const std::set<service::GenerationState>& until,
      const std::function<void(const service::GenerationInfo&)>& on_state = [](const service::GenerationInfo&) {}) {
    Mutex mutex;
    Condition changed;
    std::optional<service::GenerationInfo> last;
    bool gone = false;
    const auto token = generations().AddObserver(id, [&](const std::optional<service::GenerationInfo>& info) {
      if (info.has_value()) {
        on_state(*info);
      }
      {
        MutexLock lock(&mutex);
        gone = !info.has_value();
        last = gone ? last : info;
      }
      changed.NotifyAll();
    });
    EXPECT_OK(token);
    if (!token.ok()) {
      return {};
    }
    {
      MutexLock lock(&mutex);
      changed.Wait(mutex, {}, [&] { return gone || (last.has_value() && until.count(last->state) > 0); });
    }
    generations().RemoveObserver(*token);
    return *last;
  }

  // Builds a generation of the model, and returns its id when it is READY.
  std::string BuildReady(const std::string& model) {
    const auto created = generations().Create(SpecOf(model));
    EXPECT_OK(created);
    if (!created.ok()) {
      return "";
    }
    const service::GenerationInfo info = AwaitEnd(created->manifest.id());
    EXPECT_EQ(info.state, service::GenerationState::kReady) << info.reason;
    return created->manifest.id();
  }

  service::GenerationInfo AwaitEnd(const std::string& id) {
    return AwaitState(id, {service::GenerationState::kReady, service::GenerationState::kActive, service::GenerationState::kStandby,
                           service::GenerationState::kFailed, service::GenerationState::kCancelled});
  }

  // Waits until the reason of the generation begins with `text`.
  void AwaitReason(const std::string& id, const std::string& text) {
    Mutex mutex;
    Condition changed;
    bool said = false;
    const auto token = generations().AddObserver(id, [&](const std::optional<service::GenerationInfo>& info) {
      MutexLock lock(&mutex);
      said = said || (info.has_value() && absl::StartsWith(info->reason, text));
      changed.NotifyAll();
    });
    ASSERT_OK(token);
    {
      MutexLock lock(&mutex);
      changed.Wait(mutex, {}, [&] { return said; });
    }
    generations().RemoveObserver(*token);
  }

  // Waits until the generation has left the table.
  void AwaitGone(const std::string& id) {
    Mutex mutex;
    Condition changed;
    bool gone = false;
    const auto token = generations().AddObserver(id, [&](const std::optional<service::GenerationInfo>& info) {
      MutexLock lock(&mutex);
      gone = !info.has_value();
      changed.NotifyAll();
    });
    if (token.ok()) {
      {
        MutexLock lock(&mutex);
        changed.Wait(mutex, {}, [&] { return gone; });
      }
      generations().RemoveObserver(*token);
    }
    EXPECT_THAT(generations().Get(id).status(), HasReason("GENERATION_NOT_FOUND"));
  }

  // Expects a loaded generation, active or not, to have exactly the items of `model` (id to picture), and for each a vector of its
  // own space. REQUIRES: nothing is being written.
  void ExpectEquals(const std::string& id, const std::map<std::string, uint32_t>& model) {
    const auto generation = engine().live().Find(id);
    ASSERT_NE(generation, nullptr) << id;
    if (engine().live().active() != generation) {
      ASSERT_OK(engine().live().WithWritesHeld(id, absl::Seconds(10), [] { return absl::OkStatus(); }));
    }
    EXPECT_EQ(generation->index().applied_sequence(), engine().last_sequence()) << id;
    std::map<std::string, uint64_t> sequences;
    for (const auto& record : generation->Records()) {
      sequences[record->id] = record->sequence;
    }
    ASSERT_EQ(sequences.size(), model.size()) << id;
    EXPECT_EQ(generation->index().Stats().live_rows, static_cast<int64_t>(model.size())) << id;
    const auto& embedder = static_cast<const BundledFakeEmbedder&>(generation->embedder());
    for (const auto& [item, picture] : model) {
      ASSERT_TRUE(sequences.count(item)) << id << " lacks " << item;
      const auto vector = generation->index().Vector(sequences[item]);
      ASSERT_OK(vector);
      const std::vector<float> expected = embedder.VectorOf(NoiseImage(8, 8, 1, picture));
      for (int i = 0; i < kDimension; ++i) {
        ASSERT_NEAR((*vector)[static_cast<size_t>(i)], expected[static_cast<size_t>(i)], 1e-5) << id << " " << item;
      }
    }
  }

  std::string ActiveId() {
    const auto active = engine().live().active();
    return active == nullptr ? "" : active->manifest().id();
  }

 private:
  SystemClock clock_;
  InProcessLauncher launcher_;
  std::unique_ptr<service::GenerationLifecycle> lifecycle_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_GENERATIONS_GENERATION_FIXTURE_H_
