// semblance-bench-overload measures what a server still answers when clients ask for more than it can do.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bench/benchmark_program.h"
#include "bench/overload/open_load.h"
#include "bench/reload/oracle.h"
#include "bench/reload/testbed.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/quantile.h"
#include "common/status_macros.h"
#include "common/threads/parallel_for.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "tests/testing/test_images.h"

namespace semblance::bench {
namespace {

using nlohmann::json;

constexpr int kWidth = 1400;
constexpr int kHeight = 1000;
constexpr int kImages = 8;
constexpr int kItems = 2000;
constexpr int kTopK = 10;
// Enough for two threads that decode and a network that is never idle.
constexpr int kClients = 8;
constexpr int kChannels = 4;
constexpr double kLookupsPerSecond = 50;
constexpr absl::Duration kDeadline = absl::Seconds(1);
// The beginning of each phase, in which queues fill, does not count.
constexpr absl::Duration kSettling = absl::Seconds(2);

struct Flags {
  std::string output = "build/bench/overload.json";
  int seconds = 10;
};

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

// gRPC shares one connection among channels to the same address unless each has a pool of its own.
Channels ConnectTo(const std::string& address) {
  Channels channels;
  for (int i = 0; i < kChannels; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels.push_back(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  }
  return channels;
}

std::vector<v1::SearchRequest> ImageRequests() {
  std::vector<v1::SearchRequest> requests;
  for (uint32_t i = 0; i < kImages; ++i) {
    v1::SearchRequest& request = requests.emplace_back();
    request.mutable_query()->set_image(testing::EncodeJpeg(testing::SmoothImage(kWidth, kHeight, 3, i)));
    request.set_top_k(kTopK);
  }
  return requests;
}

// The searches that need no decoding use the embeddings of the images.
absl::StatusOr<std::vector<v1::SearchRequest>> VectorRequests(const std::shared_ptr<grpc::Channel>& channel,
                                                              const std::vector<v1::SearchRequest>& images) {
  const auto stub = v1::EmbeddingService::NewStub(channel);
  std::vector<v1::SearchRequest> requests;
  for (const v1::SearchRequest& image : images) {
    grpc::ClientContext context;
    v1::EmbedImagesRequest embed;
    embed.add_images(image.query().image());
    v1::EmbedImagesResponse response;
    if (const grpc::Status status = stub->EmbedImages(&context, embed, &response); !status.ok()) {
      return absl::InternalError(absl::StrCat("EmbedImages: ", status.error_message()));
    }
    v1::SearchRequest& request = requests.emplace_back();
    *request.mutable_query()->mutable_embedding() = response.embeddings(0);
    request.set_top_k(kTopK);
  }
  return requests;
}

// Returns the searches that clients get answered per second when each waits for one answer before it asks again.
double MeasureCapacity(const Channels& channels, const std::vector<v1::SearchRequest>& requests, absl::Duration duration) {
  std::atomic<int64_t> answered = 0;
  const absl::Time start = absl::Now() + kSettling;
  RunOnThreads(kClients, [&](int thread) {
    const auto t = static_cast<size_t>(thread);
    const auto stub = v1::SearchService::NewStub(channels[t % channels.size()]);
    for (size_t i = t; absl::Now() < start + duration; ++i) {
      grpc::ClientContext context;
      v1::SearchResponse response;
      if (stub->Search(&context, requests[i % requests.size()], &response).ok() && absl::Now() >= start) {
        ++answered;
      }
    }
  });
  return static_cast<double>(answered) / absl::ToDoubleSeconds(duration);
}

double P99(std::vector<double> values) {
  return values.empty() ? 0 : Quantile(std::move(values), 0.99);
}

double Rounded(double value, double unit) {
  return std::round(value / unit) * unit;
}

void Append(std::vector<double>& to, const std::vector<double>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// The measurements of all phases.
struct Totals {
  LoadOutcome images;
  std::vector<double> lookups_ms;
  int64_t failed_lookups = 0;
};

class Measurement {
 public:
  Measurement(Channels channels, std::vector<v1::SearchRequest> images, std::vector<v1::SearchRequest> vectors,
              absl::Duration phase)
      : channels_(std::move(channels)), images_(std::move(images)), vectors_(std::move(vectors)), phase_(phase) {}

  json Run() {
    const LoadOutcome idle = Lookups();
    const double capacity = MeasureCapacity(channels_, images_, phase_);
    std::fprintf(stderr, "capacity: %.1f searches a second\n", capacity);
    json result = {{"capacity_per_second", Rounded(capacity, 0.1)}};
    for (const auto& [name, factor] : {std::pair("1.5", 1.5), std::pair("2", 2.0), std::pair("4", 4.0), std::pair("8", 8.0)}) {
      result["goodput_ratio"][name] = Rounded(GoodputAt(capacity * factor) / capacity, 0.001);
    }
    const auto refused = static_cast<double>(totals_.images.refused_ms.size());
    result["refused_with_retry_info"] =
        refused == 0 ? 1 : Rounded(static_cast<double>(totals_.images.refused_with_retry_info) / refused, 0.0001);
    result["p99_of_accepted_ms"] = Rounded(P99(totals_.images.accepted_ms), 0.1);
    result["p99_of_refused_ms"] = Rounded(P99(totals_.images.refused_ms), 0.1);
    result["neither_answered_nor_refused"] = totals_.images.failed;
    result["search_without_decoding_p99_ms"] = Rounded(P99(totals_.lookups_ms), 0.01);
    result["search_without_decoding_idle_p99_ms"] = Rounded(P99(idle.accepted_ms), 0.01);
    result["search_without_decoding_failed"] = totals_.failed_lookups;
    return result;
  }

 private:
  OpenLoad::Options OptionsOf(const std::vector<v1::SearchRequest>& requests, double rate) const {
    return {
        .channels = channels_, .requests = &requests, .rate = rate, .deadline = kDeadline, .counted_from = absl::Now() + kSettling};
  }

  LoadOutcome Lookups() const {
    OpenLoad load(OptionsOf(vectors_, kLookupsPerSecond));
    absl::SleepFor(kSettling + phase_);
    return load.Stop();
  }

  // Returns how many searches for images are answered in time per second when `rate` are sent.
  double GoodputAt(double rate) {
    OpenLoad images(OptionsOf(images_, rate));
    const LoadOutcome lookups = Lookups();
    LoadOutcome outcome = images.Stop();
    std::fprintf(stderr,
                 "%.0f a second offered: %zu answered (p99 %.0f ms), %zu refused (p99 %.1f ms), %d failed; lookups p99 %.2f ms\n",
                 rate, outcome.accepted_ms.size(), P99(outcome.accepted_ms), outcome.refused_ms.size(), P99(outcome.refused_ms),
                 static_cast<int>(outcome.failed), P99(lookups.accepted_ms));
    Append(totals_.images.accepted_ms, outcome.accepted_ms);
    Append(totals_.images.refused_ms, outcome.refused_ms);
    totals_.images.refused_with_retry_info += outcome.refused_with_retry_info;
    totals_.images.failed += outcome.failed;
    Append(totals_.lookups_ms, lookups.accepted_ms);
    totals_.failed_lookups += lookups.failed + static_cast<int64_t>(lookups.refused_ms.size());
    return static_cast<double>(outcome.accepted_ms.size()) / absl::ToDoubleSeconds(phase_);
  }

  const Channels channels_;
  const std::vector<v1::SearchRequest> images_;
  const std::vector<v1::SearchRequest> vectors_;
  const absl::Duration phase_;
  Totals totals_;
};

absl::Status Run(const Flags& flags) {
  std::vector<std::string> items;
  for (uint32_t i = 0; i < kItems; ++i) {
    items.push_back(testing::EncodePng(testing::SmoothImage(32, 32, 3, 1000 + i)));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<Testbed> testbed,
                             Testbed::Start(std::filesystem::path(flags.output).replace_extension("data").string()));
  SEMBLANCE_RETURN_IF_ERROR(testbed->Ingest(Oracle(std::move(items), {})));
  std::vector<v1::SearchRequest> images = ImageRequests();
  SEMBLANCE_ASSIGN_OR_RETURN(std::vector<v1::SearchRequest> vectors, VectorRequests(testbed->channel(), images));
  Measurement measurement(ConnectTo(testbed->address()), std::move(images), std::move(vectors), absl::Seconds(flags.seconds));
  const std::string text = measurement.Run().dump(2) + "\n";
  std::printf("%s", text.c_str());
  return WriteFileAtomically(flags.output, text);
}

int Main(const std::vector<std::string>& args) {
  Flags flags;
  CommandLine command("semblance-bench-overload", "",
                      "Sends searches for large images at up to eight times the rate that a server can answer, with a deadline of\n"
                      "one second, and searches for vectors beside them.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON; the server's data go beside it", &flags.output);
  command.AddFlag("seconds", "N", "of each phase", &flags.seconds);
  command.AddExample("semblance-bench-overload --seconds=10");
  const auto check = [&] {
    return flags.seconds >= 1 ? absl::OkStatus() : absl::InvalidArgumentError("--seconds takes 1 or more");
  };
  return RunBenchmark(&command, args, check, [&] { return Run(flags); });
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main(std::vector<std::string>(argv + 1, argv + argc));
}
