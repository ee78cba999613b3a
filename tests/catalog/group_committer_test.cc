#include "catalog/group_committer.h"

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/digest.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class GroupCommitterTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    auto writer = ChangeWriter::Open(path_);
    ASSERT_OK(writer);
    committer_ = std::make_unique<GroupCommitter>(*std::move(writer), [this](absl::Duration) { ++commits_; });
  }

  static std::vector<PreparedItem> Item(const std::string& id, const std::string& image = "x") {
    return {{{.id = id, .image = image, .label = std::nullopt, .attributes = {}}, "{}", Sha256Hex(image)}};
  }

  // Holds the committer's thread in the callback of a write until `release` is set, so that later writes wait in the queue.
  void Hold(std::promise<void>* release) {
    std::promise<void> held;
    committer_->Submit({Item("hold"), [&held, opened = release->get_future().share()](const auto&) {
                          held.set_value();
                          opened.wait();
                        }});
    held.get_future().wait();
  }

  // Submits an upsert whose answer is appended to answers_.
  void Submit(const std::string& id, const std::string& image = "x") {
    committer_->Submit({Item(id, image), [this](absl::StatusOr<WriteResult> result) { answers_.push_back(std::move(result)); }});
  }

  // Closes the committer, which answers everything first.
  void Close() { committer_.reset(); }

  SqliteDatabase Other() {
    auto other = SqliteDatabase::Open(path_, SqliteDatabase::Mode::kReadWriteCreate, /*busy_timeout_ms=*/10'000);
    EXPECT_OK(other);
    return *std::move(other);
  }

  const testing::TempDir dir_;
  const std::string path_ = dir_.Join("catalog.db");
  // The committer's thread uses these two until Close.
  int commits_ = 0;
  std::vector<absl::StatusOr<WriteResult>> answers_;
  std::unique_ptr<GroupCommitter> committer_;
};

TEST_F(GroupCommitterTest, CommitsWritesThatWaitTogether) {
  std::promise<void> release;
  Hold(&release);
  for (int i = 0; i < 100; ++i) {
    Submit(std::to_string(i));
  }
  release.set_value();
  Close();
  EXPECT_EQ(commits_, 2) << "one for the write that was held, one for all others";
  ASSERT_THAT(answers_, SizeIs(100));
  for (size_t i = 0; i < answers_.size(); ++i) {
    ASSERT_OK(answers_[i]);
    EXPECT_EQ(answers_[i]->last_sequence, i + 2) << "answers come in the order of the calls, each with its own state";
  }
}

TEST_F(GroupCommitterTest, EndsAGroupAtItsMostWrites) {
  std::promise<void> release;
  Hold(&release);
  for (int i = 0; i < 300; ++i) {
    Submit(std::to_string(i));
  }
  release.set_value();
  Close();
  EXPECT_EQ(commits_, 3) << "256 writes make a group";
  EXPECT_THAT(answers_, AllOf(SizeIs(300), Each(testing::IsOk())));
}

TEST_F(GroupCommitterTest, EndsAGroupAtItsMostBytes) {
  std::promise<void> release;
  Hold(&release);
  const std::string image(9 << 20, 'x');
  for (int i = 0; i < 8; ++i) {
    Submit(std::to_string(i), image);
  }
  release.set_value();
  Close();
  EXPECT_EQ(commits_, 3) << "after 4 images of 9 MiB a group has 32 MiB";
  EXPECT_THAT(answers_, AllOf(SizeIs(8), Each(testing::IsOk())));
}

TEST_F(GroupCommitterTest, CountsAreNeverBehindAnAnswer) {
  EXPECT_EQ(committer_->item_count(), 0);
  for (int i = 1; i <= 20; ++i) {
    std::promise<void> answered;
    committer_->Submit({Item(std::to_string(i)), [&, this](const absl::StatusOr<WriteResult>& result) {
                          EXPECT_EQ(committer_->last_sequence(), result->last_sequence);
                          EXPECT_EQ(committer_->item_count(), i);
                          answered.set_value();
                        }});
    answered.get_future().wait();
  }
}

TEST_F(GroupCommitterTest, AFailureFailsTheWholeGroupAndAllLaterWrites) {
  std::promise<void> release;
  Hold(&release);
  ASSERT_OK(Other().Run("CREATE TRIGGER refuse BEFORE INSERT ON changes WHEN new.id = 'bad' BEGIN SELECT raise(FAIL, 'no'); END"));
  Submit("good");
  Submit("bad");
  release.set_value();
  std::promise<absl::Status> later;
  committer_->Submit({std::vector<std::string>{"hold"},
                      [&later](const absl::StatusOr<WriteResult>& result) { later.set_value(result.status()); }});
  const auto is_read_only = AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("READ_ONLY"));
  EXPECT_THAT(later.get_future().get(), is_read_only);
  EXPECT_EQ(committer_->item_count(), 1) << "only the write that was held is there";
  Close();
  EXPECT_THAT(answers_, AllOf(SizeIs(2), Each(is_read_only)));
  EXPECT_EQ(Other().QueryInt("SELECT count(*) FROM changes").value(), 1);
}

TEST_F(GroupCommitterTest, WritesAgainAfterItWasOpenedAgain) {
  ASSERT_OK(Other().Run("CREATE TRIGGER refuse BEFORE INSERT ON changes BEGIN SELECT raise(FAIL, 'no'); END"));
  Submit("lost");
  Close();
  ASSERT_OK(Other().Run("DROP TRIGGER refuse"));
  Start();
  Submit("kept");
  Close();
  EXPECT_THAT(answers_, ElementsAre(HasReason("READ_ONLY"), testing::IsOk()));
  EXPECT_EQ(answers_[1]->last_sequence, 1U);
}

TEST_F(GroupCommitterTest, AnswersEverythingBeforeItEnds) {
  for (int i = 0; i < 1000; ++i) {
    Submit(std::to_string(i));
  }
  Close();
  EXPECT_THAT(answers_, AllOf(SizeIs(1000), Each(testing::IsOk())));
  EXPECT_EQ(Other().QueryInt("SELECT count(*) FROM changes").value(), 1000);
}

}  // namespace
}  // namespace semblance::catalog
