#include "cli/client/ingest_run.h"

#include <grpcpp/create_channel.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"
#include "tests/testing/temp_dir.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::FakeServer;
using ::semblance::testing::RichStatus;
using ::semblance::testing::TempDir;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Le;
using ::testing::SizeIs;

// A data set of images in one folder, and a server that counts what it stores.
class IngestRunTest : public ::testing::Test {
 protected:
  IngestRunTest() {
    server_.upsert_items = [this](const v1::UpsertItemsRequest& request) {
      const std::lock_guard<std::mutex> lock(mutex_);
      batches_.push_back(request.items_size());
      const int call = calls_++;
      return call < failing_calls_ ? failure_ : grpc::Status::OK;
    };
  }

  static IngestOptions Options(int batch_size, int concurrency) {
    IngestOptions options;
    options.batch_size = batch_size;
    options.concurrency = concurrency;
    return options;
  }

  IngestReport Run(int images, const IngestOptions& options, std::vector<std::pair<int64_t, int64_t>>* progress = nullptr) {
    std::filesystem::create_directories(dir_.Join("shoes"));
    for (int i = 0; i < images; ++i) {
      std::ofstream(dir_.Join(absl::StrCat("shoes/", 100 + i, ".jpg"))) << i;
    }
    const auto dataset = dataset::OpenDataset(dir_.path());
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    std::vector<int64_t> indices(static_cast<size_t>(images));
    std::iota(indices.begin(), indices.end(), 0);
    const auto channel = grpc::CreateChannel(server_.address(), grpc::InsecureChannelCredentials());
    return Ingest(channel, **dataset, indices, options, [progress](int64_t done, int64_t retries) {
      if (progress != nullptr) {
        progress->emplace_back(done, retries);
      }
    });
  }

  const TempDir dir_;
  FakeServer server_;
  std::mutex mutex_;
  std::vector<int> batches_;
  int calls_ = 0;
  int failing_calls_ = 0;
  grpc::Status failure_;
};

TEST_F(IngestRunTest, EveryExampleIsStoredOnceByAnyNumberOfWorkers) {
  for (const int concurrency : {1, 3, 16}) {
    batches_.clear();
    const IngestReport report = Run(50, Options(4, concurrency));
    EXPECT_EQ(report.stored, 50);
    EXPECT_EQ(std::accumulate(batches_.begin(), batches_.end(), 0), 50);
    EXPECT_THAT(batches_, Each(Le(4)));
    EXPECT_EQ(report.failed_images + report.failed_requests + report.retries, 0);
  }
}

TEST_F(IngestRunTest, ProgressGrowsToTheNumberOfExamples) {
  std::vector<std::pair<int64_t, int64_t>> progress;
  Run(10, Options(4, 1), &progress);
  EXPECT_THAT(progress, ElementsAre(std::pair(4, 0), std::pair(8, 0), std::pair(10, 0)));
}

TEST_F(IngestRunTest, TransientErrorsAreCountedAndTriedAgain) {
  failing_calls_ = 2;
  failure_ = RichStatus(grpc::StatusCode::UNAVAILABLE, "draining", "DRAINING");
  const IngestReport report = Run(3, Options(32, 1));
  EXPECT_EQ(report.stored, 3);
  EXPECT_EQ(report.retries, 2);
}

TEST_F(IngestRunTest, TheFirstRequestThatFailsForGoodEndsTheIngest) {
  failing_calls_ = 1'000'000;
  failure_ = RichStatus(grpc::StatusCode::INTERNAL, "a bug", "X");
  const IngestReport report = Run(50, Options(1, 1));
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(report.failed_requests, 1);
  EXPECT_EQ(report.last_error.message, "a bug");
  EXPECT_EQ(report.stored, 0);
}

TEST_F(IngestRunTest, OnlyTheFirstHundredFailuresAreKeptInDetail) {
  failing_calls_ = 1'000'000;
  failure_ = RichStatus(grpc::StatusCode::INVALID_ARGUMENT, "not an image", "UNSUPPORTED_MEDIA", "items[0].image");
  const IngestReport report = Run(120, Options(32, 2));
  EXPECT_EQ(report.failed_images, 120);
  EXPECT_THAT(report.failures, SizeIs(100));
  EXPECT_EQ(report.failures.front().reason, "UNSUPPORTED_MEDIA");
  EXPECT_EQ(report.failed_requests, 0);
}

}  // namespace
}  // namespace semblance::cli
