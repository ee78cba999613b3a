// semblance-bench-reload measures the effect on searches and writes while a generation is built and while generations are swapped.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bench/benchmark_program.h"
#include "bench/reload/load.h"
#include "bench/reload/oracle.h"
#include "bench/reload/testbed.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/quantile.h"
#include "common/status_macros.h"
#include "semblance/v1/generation_service.grpc.pb.h"
#include "tests/testing/test_images.h"

namespace semblance::bench {
namespace {

using nlohmann::json;

constexpr int kQueries = 200;
constexpr int kClients = 4;
constexpr char kSecondModel[] = "reload/2";
constexpr char kFirst[] = "gen-000001";
constexpr char kSecond[] = "gen-000002";

struct Flags {
  std::string output = "build/bench/reload.json";
  int items = 20000;
  int seconds = 20;
  int swaps = 50;
  double swaps_per_second = 1;
  int load_percent = 50;
  int writes_per_second = 20;
};

absl::Status ToAbsl(const char* what, const grpc::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::InternalError(absl::StrCat(what, ": ", status.error_message()));
}

Oracle MakeOracle(int items) {
  const auto pictures = [](int count, uint32_t first_seed) {
    std::vector<std::string> encoded;
    for (int i = 0; i < count; ++i) {
      encoded.push_back(testing::EncodePng(testing::SmoothImage(32, 32, 3, first_seed + static_cast<uint32_t>(i))));
    }
    return encoded;
  };
  return Oracle(pictures(items, 1000), pictures(kQueries, 1'000'000));
}

// Builds the second generation, from the second model, until it is READY.
absl::Status Build(v1::GenerationService::Stub& stub) {
  grpc::ClientContext context;
  v1::CreateGenerationRequest request;
  request.set_model(kSecondModel);
  v1::CreateGenerationResponse created;
  SEMBLANCE_RETURN_IF_ERROR(ToAbsl("CreateGeneration", stub.CreateGeneration(&context, request, &created)));
  grpc::ClientContext watch_context;
  v1::WatchGenerationRequest watch;
  watch.set_generation(created.generation().id());
  const auto stream = stub.WatchGeneration(&watch_context, watch);
  v1::WatchGenerationResponse now;
  while (stream->Read(&now)) {
  }
  SEMBLANCE_RETURN_IF_ERROR(ToAbsl("WatchGeneration", stream->Finish()));
  if (now.generation().id() != kSecond || now.generation().state() != v1::GENERATION_STATE_READY) {
    return absl::InternalError(absl::StrCat("the generation did not become READY: ", now.generation().state_reason()));
  }
  return absl::OkStatus();
}

// Returns how long writes waited for an activation or rollback, in milliseconds. Fails if another generation than `active` is
// active afterwards.
template <typename Response>
absl::StatusOr<double> PauseOf(const Response& response, const char* active) {
  if (response.generation().id() != active) {
    return absl::InternalError(absl::StrCat(response.generation().id(), " was activated, not ", active));
  }
  const google::protobuf::Duration& pause = response.write_pause();
  return static_cast<double>(pause.seconds()) * 1e3 + static_cast<double>(pause.nanos()) / 1e6;
}

// Activates the second generation in place of the first.
absl::StatusOr<double> Activate(v1::GenerationService::Stub& stub) {
  grpc::ClientContext context;
  v1::ActivateGenerationRequest request;
  request.set_generation(kSecond);
  request.set_expected_active(kFirst);
  v1::ActivateGenerationResponse response;
  SEMBLANCE_RETURN_IF_ERROR(ToAbsl("ActivateGeneration", stub.ActivateGeneration(&context, request, &response)));
  return PauseOf(response, kSecond);
}

// Activates the first generation again.
absl::StatusOr<double> Rollback(v1::GenerationService::Stub& stub) {
  grpc::ClientContext context;
  v1::RollbackGenerationRequest request;
  request.set_expected_active(kSecond);
  v1::RollbackGenerationResponse response;
  SEMBLANCE_RETURN_IF_ERROR(ToAbsl("RollbackGeneration", stub.RollbackGeneration(&context, request, &response)));
  return PauseOf(response, kFirst);
}

struct Swaps {
  // The number of activations and rollbacks.
  int count = 0;
  double longest_pause_ms = 0;
  // The resources of the server before the swaps, and after each tenth of the swaps.
  std::vector<ProcessSize> sizes;
};

absl::StatusOr<Swaps> SwapBackAndForth(v1::GenerationService::Stub& stub, const Flags& flags, const Testbed& testbed) {
  const int count = flags.swaps;
  Swaps swaps;
  swaps.sizes.push_back(testbed.Size());
  for (int i = 0; i < count; ++i) {
    SEMBLANCE_ASSIGN_OR_RETURN(const double pause_ms, i % 2 == 0 ? Activate(stub) : Rollback(stub));
    ++swaps.count;
    swaps.longest_pause_ms = std::max(swaps.longest_pause_ms, pause_ms);
    // The sleep sets the pace of the swaps, which is a parameter of the measurement.
    absl::SleepFor(absl::Seconds(1) / flags.swaps_per_second);
    if ((i + 1) * 10 / count > i * 10 / count) {
      swaps.sizes.push_back(testbed.Size());
    }
  }
  return swaps;
}

json SizesOf(const Swaps& swaps) {
  json sizes = json::array();
  for (const ProcessSize& size : swaps.sizes) {
    sizes.push_back({{"memory_kib", size.memory_kib}, {"threads", size.threads}, {"descriptors", size.descriptors}});
  }
  return sizes;
}

void PrintTable(const json& result) {
  const auto number = [&result](const char* key) { return result[key].get<double>(); };
  std::printf("\n%-34s %10s %10s\n", "", "measured", "target");
  std::printf("%-34s %10.0f %10s\n", "failed requests", number("failed_requests"), "0");
  std::printf("%-34s %10.0f %10s\n", "mixed answers", number("mixed_answers"), "0");
  std::printf("%-34s %10.0f\n", "activations and rollbacks", number("activations"));
  std::printf("%-34s %10.2f\n", "p99 idle, ms", number("p99_idle_ms"));
  std::printf("%-34s %10.2f %10s\n", "p99 building / idle", number("ratio_building"), "<= 1.5");
  std::printf("%-34s %10.2f %10s\n", "p99 swapping / idle", number("ratio_swapping"), "<= 1.25");
  std::printf("%-34s %10.2f %10s\n", "longest pause of writes, ms", number("activation_pause_ms"), "<= 50");
}

// The results of the phases that are not in the report of the load.
struct Measured {
  Capacity warm_up;
  Capacity capacity;
  double build_seconds = 0;
  Swaps swaps;
};

json ResultOf(const Flags& flags, const Measured& measured, const Load& load) {
  const auto p99 = [&load](const char* phase) { return Quantile(load.LatenciesOf(phase), 0.99); };
  const auto p50 = [&load](const char* phase) { return Quantile(load.LatenciesOf(phase), 0.5); };
  return {{"items", flags.items},
          {"capacity_per_second", measured.capacity.per_second},
          {"closed_loop_searches", measured.warm_up.searches + measured.capacity.searches},
          {"searches", load.searches()},
          {"writes", load.writes()},
          {"failed_requests", measured.warm_up.failed + measured.capacity.failed + load.failed()},
          {"mixed_answers", measured.warm_up.mixed + measured.capacity.mixed + load.mixed()},
          {"activations", measured.swaps.count},
          {"swaps_per_second", flags.swaps_per_second},
          {"build_seconds", measured.build_seconds},
          {"p50_idle_ms", p50("idle")},
          {"p50_building_ms", p50("building")},
          {"p50_swapping_ms", p50("swapping")},
          {"p50_after_ms", p50("after")},
          {"p99_idle_ms", p99("idle")},
          {"p99_building_ms", p99("building")},
          {"p99_swapping_ms", p99("swapping")},
          {"p99_after_ms", p99("after")},
          {"ratio_building", p99("building") / p99("idle")},
          {"ratio_swapping", p99("swapping") / p99("idle")},
          {"activation_pause_ms", measured.swaps.longest_pause_ms},
          {"server_sizes", SizesOf(measured.swaps)}};
}

absl::Status Run(const Flags& flags) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  const std::string directory = std::filesystem::absolute(flags.output).replace_extension("").string();
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<Testbed> testbed, Testbed::Start(directory));
  Oracle oracle = MakeOracle(flags.items);
  std::printf("embedding %d items with both models, for the oracle\n", flags.items);
  SEMBLANCE_RETURN_IF_ERROR(oracle.AddGeneration(kFirst, testbed->BundleDir(1)));
  SEMBLANCE_RETURN_IF_ERROR(oracle.AddGeneration(kSecond, testbed->BundleDir(2)));
  SEMBLANCE_RETURN_IF_ERROR(testbed->Ingest(oracle));

  Measured measured;
  measured.warm_up = MeasureCapacity(testbed->channel(), oracle, kClients, absl::Seconds(1));
  measured.capacity = MeasureCapacity(testbed->channel(), oracle, kClients, absl::Seconds(std::min(flags.seconds, 5)));
  const double rate = measured.capacity.per_second * flags.load_percent / 100;
  std::printf("capacity %.0f searches/s with %d clients; load %.0f searches/s and %d writes/s\n", measured.capacity.per_second,
              kClients, rate, flags.writes_per_second);
  const auto stub = v1::GenerationService::NewStub(testbed->channel());
  Load load(testbed->channel(), &oracle, rate, flags.writes_per_second);
  // Each sleep below is the length of a phase.
  load.BeginPhase("warm-up");
  absl::SleepFor(absl::Seconds(1));
  load.BeginPhase("idle");
  absl::SleepFor(absl::Seconds(flags.seconds));
  load.BeginPhase("building");
  const absl::Time begin = absl::Now();
  SEMBLANCE_RETURN_IF_ERROR(Build(*stub));
  measured.build_seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  std::printf("built %s in %.1f s\n", kSecond, measured.build_seconds);
  load.BeginPhase("swapping");
  SEMBLANCE_ASSIGN_OR_RETURN(measured.swaps, SwapBackAndForth(*stub, flags, *testbed));
  load.BeginPhase("after");
  absl::SleepFor(absl::Seconds(flags.seconds));
  load.Stop();

  const json result = ResultOf(flags, measured, load);
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(flags.output, result.dump(/*indent=*/1) + "\n"));
  PrintTable(result);
  return result["failed_requests"] == 0 && result["mixed_answers"] == 0
             ? absl::OkStatus()
             : absl::InternalError("requests failed or answers were mixed");
}

int Main(const std::vector<std::string>& args) {
  Flags flags;
  CommandLine command("semblance-bench-reload", "",
                      "Searches and writes at a fixed rate while a generation is built and while two generations of incompatible\n"
                      "models change places; every answer is checked against brute force.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON; the server's data go beside it", &flags.output);
  command.AddFlag("items", "N", "in the catalog", &flags.items);
  command.AddFlag("seconds", "N", "of the idle phases before and after", &flags.seconds);
  command.AddFlag("swaps", "N", "activations and rollbacks, in turns", &flags.swaps);
  command.AddFlag("swaps_per_second", "N", "at most", &flags.swaps_per_second);
  command.AddFlag("load_percent", "N", "of what four clients in a closed loop get answered", &flags.load_percent);
  command.AddFlag("writes_per_second", "N", "upserts beside the searches; 0: none", &flags.writes_per_second);
  command.AddExample("semblance-bench-reload --swaps=200");
  const auto check = [&] {
    return flags.items >= 100 && flags.seconds >= 1 && flags.swaps >= 1 && flags.swaps_per_second > 0 && flags.load_percent >= 1 &&
                   flags.writes_per_second >= 0
               ? absl::OkStatus()
               : absl::InvalidArgumentError(
                     "--items takes 100 or more; --seconds, --swaps and --load_percent 1 or more; --swaps_per_second above 0");
  };
  return RunBenchmark(&command, args, check, [&] { return Run(flags); });
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main(std::vector<std::string>(argv + 1, argv + argc));
}
