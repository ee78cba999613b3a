#include "service/generations/generation_retirement.h"

#include <future>
#include <memory>
#include <string>

#include "common/file.h"
#include "gmock/gmock.h"
#include "tests/service/generations/generation_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

using State = service::GenerationState;
using storage::v1::GenerationRecord;

// Generations on disk that are not loaded, in a table that belongs to the test.
class GenerationRetirementTest : public ::testing::Test, public GenerationFixture {
 protected:
  GenerationRetirementTest() {
    EXPECT_OK(Start("model"));
    retirement_ = std::make_unique<service::GenerationRetirement>(&engine(), &table_, &target_, &clock());
  }
  ~GenerationRetirementTest() override { retirement_.reset(); }

  std::string Create(State state, GenerationRecord::Phase phase) {
    GenerationRecord record;
    record.set_phase(phase);
    const auto manifest = engine().store().Create(ModelDir("other"), {}, record);
    EXPECT_OK(manifest);
    service::GenerationInfo info;
    info.manifest = *manifest;
    info.state = state;
    table_.Insert(info);
    EXPECT_OK(CreateDirectories(engine().store().IndexDir(manifest->id())));
    return manifest->id();
  }

  // Waits until the reaper has done everything that it was asked to do before.
  void AwaitReaper() {
    const std::string last = Create(State::kReady, GenerationRecord::PHASE_READY);
    std::promise<void> gone;
    const auto token = table_.AddObserver(last, [&](const auto& info) {
      if (!info.has_value()) {
        gone.set_value();
      }
    });
    ASSERT_OK(token);
    EXPECT_OK(retirement_->Retire(last, "the last"));
    gone.get_future().get();
    table_.RemoveObserver(*token);
  }

  bool HasIndex(const std::string& id) { return PathExists(engine().store().IndexDir(id)); }
  GenerationRecord Record(const std::string& id) { return *engine().store().ReadRecord(id); }

  service::GenerationTable table_{[](service::GenerationInfo&) {}, &clock()};
  service::RollbackTarget target_;
  std::unique_ptr<service::GenerationRetirement> retirement_;
};

TEST_F(GenerationRetirementTest, RemovesAGenerationThatIsRetiredAndForgetsIt) {
  const std::string id = Create(State::kStandby, GenerationRecord::PHASE_READY);
  target_.Set(id);
  ASSERT_OK(retirement_->Retire(id, "deleted"));
  EXPECT_EQ(target_.id(), "");
  AwaitReaper();
  EXPECT_FALSE(PathExists(engine().store().Dir(id)));
  EXPECT_THAT(table_.Find(id), HasReason("GENERATION_NOT_FOUND"));
}

TEST_F(GenerationRetirementTest, RefusesToRetireTheActiveGeneration) {
  const std::string id = Create(State::kActive, GenerationRecord::PHASE_READY);
  EXPECT_THAT(retirement_->Retire(id, "deleted"), HasReason("GENERATION_NOT_READY"));
  EXPECT_EQ(Record(id).phase(), GenerationRecord::PHASE_READY);
  EXPECT_TRUE(PathExists(engine().store().Dir(id)));
}

TEST_F(GenerationRetirementTest, AFollowerThatFailsFailsItsGeneration) {
  const std::string id = Create(State::kStandby, GenerationRecord::PHASE_READY);
  target_.Set(id);
  retirement_->FailFollower(id, absl::InternalError("a NaN came out"));
  EXPECT_EQ(table_.Find(id)->state, State::kFailed);
  AwaitReaper();
  EXPECT_EQ(target_.id(), "");
  EXPECT_EQ(Record(id).phase(), GenerationRecord::PHASE_FAILED);
  EXPECT_THAT(Record(id).reason(), HasSubstr("a NaN came out"));
}

TEST_F(GenerationRetirementTest, AGenerationThatIsBeingDeletedDoesNotComeBackAsFailed) {
  const std::string id = Create(State::kRetiring, GenerationRecord::PHASE_RETIRING);
  retirement_->FailFollower(id, absl::InternalError("too late"));
  AwaitReaper();
  EXPECT_EQ(table_.Find(id)->state, State::kRetiring);
  EXPECT_EQ(Record(id).phase(), GenerationRecord::PHASE_RETIRING);
}

TEST_F(GenerationRetirementTest, RemovesTheIndexOfABuildThatFailed) {
  const std::string id = Create(State::kWarming, GenerationRecord::PHASE_CHECKED);
  retirement_->DiscardBuild(id, GenerationRecord::PHASE_FAILED, "a gate failed");
  EXPECT_FALSE(HasIndex(id));
  EXPECT_EQ(Record(id).phase(), GenerationRecord::PHASE_FAILED);
  EXPECT_EQ(Record(id).reason(), "a gate failed");
  EXPECT_EQ(table_.Find(id)->state, State::kWarming) << "the caller announces the end";
}

TEST_F(GenerationRetirementTest, KeepsTheIndexOfAGenerationThatWasReadyOnce) {
  const std::string id = Create(State::kLoading, GenerationRecord::PHASE_READY);
  retirement_->DiscardBuild(id, GenerationRecord::PHASE_FAILED, "it cannot be loaded");
  EXPECT_TRUE(HasIndex(id));
  EXPECT_EQ(Record(id).phase(), GenerationRecord::PHASE_FAILED);
}

TEST_F(GenerationRetirementTest, AFollowerThatFailedFirstIsWhyABuildHasEnded) {
  const std::string id = Create(State::kWarming, GenerationRecord::PHASE_CHECKED);
  retirement_->FailFollower(id, absl::InternalError("a NaN came out"));
  retirement_->DiscardBuild(id, GenerationRecord::PHASE_CANCELLED, "cancelled");
  AwaitReaper();
  EXPECT_EQ(Record(id).phase(), GenerationRecord::PHASE_FAILED);
  EXPECT_THAT(Record(id).reason(), HasSubstr("a NaN came out"));
}

TEST_F(GenerationRetirementTest, UnloadsEverythingButTheActiveGenerationAtTheEnd) {
  ASSERT_OK(StartAll("model"));
  const std::string id = BuildReady("other");
  service::GenerationInfo info;
  info.manifest.set_id(id);
  service::GenerationTable table([](service::GenerationInfo&) {}, &clock());
  table.Insert(info);
  service::GenerationRetirement retirement(&engine(), &table, &target_, &clock());
  retirement.UnloadAll();
  EXPECT_EQ(engine().live().Find(id), nullptr);
  EXPECT_NE(engine().live().active(), nullptr);
  EXPECT_TRUE(PathExists(engine().store().Dir(id)));
}

}  // namespace
}  // namespace semblance::testing
