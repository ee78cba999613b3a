#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::RichStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;

// Runs the command against a server that refuses, as a whole, any batch with the image "bad" in it.
class IngestTest : public CommandFixture {
 protected:
  IngestTest() {
    server_.upsert_items = [this](const v1::UpsertItemsRequest& request) { return Upsert(request); };
  }

  grpc::Status Upsert(const v1::UpsertItemsRequest& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    call_times_.push_back(absl::Now());
    batch_sizes_.push_back(request.items_size());
    if (call_times_.size() <= static_cast<size_t>(failing_calls_)) {
      return failure_;
    }
    for (int i = 0; i < request.items_size(); ++i) {
      if (request.items(i).image() == "bad") {
        return RichStatus(grpc::StatusCode::INVALID_ARGUMENT, "not an image", "UNSUPPORTED_MEDIA",
                          "items[" + std::to_string(i) + "].image");
      }
    }
    for (const v1::Item& item : request.items()) {
      labels_[item.id()] = item.has_label() ? item.label() : "(none)";
    }
    return grpc::Status::OK;
  }

  // The first calls fail with `status`.
  void FailFirst(int calls, const grpc::Status& status) {
    failing_calls_ = calls;
    failure_ = status;
  }

  // Returns DIR/label/NNN.jpg.
  void MakeImages(const std::string& label, int count, const std::string& content) {
    for (int i = 0; i < count; ++i) {
      MakeFile("data/" + label + "/" + std::to_string(100 + i) + ".jpg", content);
    }
  }

  int Ingest(Arguments flags = {}) {
    flags.insert(flags.begin(), {"ingest", dir_.Join("data")});
    return Run(flags);
  }

  std::mutex mutex_;
  // The label of each stored item, by id.
  std::map<std::string, std::string> labels_;
  std::vector<int> batch_sizes_;
  std::vector<absl::Time> call_times_;
  int failing_calls_ = 0;
  grpc::Status failure_;
};

TEST_F(IngestTest, StoresEveryImageWithItsLabel) {
  MakeImages("boot", 2, "x");
  MakeImages("shoe", 1, "y");
  EXPECT_EQ(Ingest(), kExitDone);
  EXPECT_THAT(labels_, ElementsAre(Pair("boot/100.jpg", "boot"), Pair("boot/101.jpg", "boot"), Pair("shoe/100.jpg", "shoe")));
  EXPECT_THAT(out_, HasSubstr("3 images stored, 0 failed"));
}

TEST_F(IngestTest, PutsThePrefixBeforeTheIdsAndLeavesUnknownLabelsUnset) {
  MakeFile("data/loose.jpg", "x");
  EXPECT_EQ(Ingest({"--id_prefix=shop/"}), kExitDone);
  EXPECT_THAT(labels_, ElementsAre(Pair("shop/loose.jpg", "(none)")));
}

TEST_F(IngestTest, SendsBatchesOfTheSizeAskedFor) {
  MakeImages("boot", 10, "x");
  EXPECT_EQ(Ingest({"--batch=4", "--concurrency=1"}), kExitDone);
  EXPECT_THAT(batch_sizes_, ElementsAre(4, 4, 2));
}

TEST_F(IngestTest, SendsLargeImagesInSmallerRequests) {
  MakeImages("boot", 5, std::string(5 << 20, 'x'));
  EXPECT_EQ(Ingest({"--concurrency=1"}), kExitDone);
  EXPECT_THAT(batch_sizes_, ElementsAre(2, 2, 1));
}

TEST_F(IngestTest, SkipsAnImageThatNoRequestHoldsAndStoresTheRest) {
  MakeImages("boot", 2, "x");
  MakeFile("data/huge/1.jpg", std::string(testing::FakeServer::kMaxMessageBytes + 1, 'x'));
  EXPECT_EQ(Ingest(), kExitBadInput);
  EXPECT_THAT(labels_, SizeIs(2));
  EXPECT_THAT(err_, HasSubstr("huge/1.jpg was not stored"));
}

TEST_F(IngestTest, ReportsBadImagesAndStoresTheRest) {
  MakeImages("boot", 7, "x");
  MakeImages("broken", 2, "bad");
  EXPECT_EQ(Ingest(), kExitBadInput);
  EXPECT_THAT(labels_, SizeIs(7));
  EXPECT_THAT(out_, HasSubstr("7 images stored, 2 failed"));
  EXPECT_THAT(err_, HasSubstr("broken/100.jpg was not stored: not an image (UNSUPPORTED_MEDIA)"));
  EXPECT_THAT(err_, HasSubstr("broken/101.jpg"));
}

TEST_F(IngestTest, ReportsFilesThatCannotBeRead) {
  MakeImages("boot", 1, "x");
  MakeFile("data/list.tsv", "path\tlabel\nboot/100.jpg\tboot\nboot/missing.jpg\tboot\n");
  EXPECT_EQ(Run({"ingest", dir_.Join("data/list.tsv"), "--json"}), kExitBadInput);
  const auto report = nlohmann::json::parse(out_);
  EXPECT_EQ(report["stored"], 1);
  EXPECT_EQ(report["failed_images"], 1);
  EXPECT_EQ(report["failures"][0]["id"], "boot/missing.jpg");
  EXPECT_EQ(report["failures"][0]["reason"], "UNREADABLE");
}

TEST_F(IngestTest, TriesAgainWhenTheServerIsUnavailableOrBusy) {
  for (const grpc::Status& failure : {RichStatus(grpc::StatusCode::UNAVAILABLE, "draining", "DRAINING"),
                                      RichStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "QUEUE_FULL")}) {
    FailFirst(2, failure);
    call_times_.clear();
    MakeImages("boot", 1, "x");
    EXPECT_EQ(Ingest({"--json"}), kExitDone);
    EXPECT_EQ(nlohmann::json::parse(out_)["retries"], 2);
    EXPECT_THAT(labels_, SizeIs(1));
  }
}

TEST_F(IngestTest, WaitsAsLongAsTheServerAsks) {
  FailFirst(1, RichStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "QUEUE_FULL", "", 300));
  MakeImages("boot", 1, "x");
  EXPECT_EQ(Ingest(), kExitDone);
  ASSERT_THAT(call_times_, SizeIs(2));
  EXPECT_GE(call_times_[1] - call_times_[0], absl::Milliseconds(300));
}

TEST_F(IngestTest, GivesUpOnAServerThatStaysAway) {
  FailFirst(1'000'000, RichStatus(grpc::StatusCode::UNAVAILABLE, "no model", "NO_ACTIVE_GENERATION"));
  MakeImages("boot", 100, "x");
  EXPECT_EQ(Ingest({"--retry_seconds=0", "--batch=1", "--concurrency=1"}), kExitTransient);
  EXPECT_THAT(call_times_, SizeIs(1));
  EXPECT_THAT(err_, HasSubstr("NO_ACTIVE_GENERATION"));
}

TEST_F(IngestTest, StopsAtAnErrorThatIsNotOfTheImages) {
  FailFirst(1'000'000, RichStatus(grpc::StatusCode::INTERNAL, "broken", "X"));
  MakeImages("boot", 100, "x");
  EXPECT_EQ(Ingest({"--batch=1", "--concurrency=1"}), kExitFailed);
  EXPECT_THAT(call_times_, SizeIs(1));
}

TEST_F(IngestTest, TakesOneSplitOfTheData) {
  MakeFile("data/train/boot/1.jpg", "x");
  MakeFile("data/test/boot/2.jpg", "x");
  EXPECT_EQ(Ingest({"--split=test"}), kExitDone);
  EXPECT_THAT(labels_, ElementsAre(Key("test/boot/2.jpg")));
}

TEST_F(IngestTest, AFolderThatIsNotThereIsBadInput) {
  EXPECT_EQ(Ingest(), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr(dir_.Join("data")));
  EXPECT_THAT(call_times_, IsEmpty());
}

}  // namespace
}  // namespace semblance::cli
