// semblance-bench-index: the segmented index beside FAISS's own HNSW with the same parameters: build time, recall@10, queries per
// second on one thread, and how long a search takes at the 99th percentile, idle and beside a stream of writes.
#include <faiss/IndexHNSW.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_format.h"
#include "common/command_line.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/process.h"
#include "common/status_macros.h"
#include "common/thread_pool.h"
#include "index/exact_search.h"
#include "index/segmented_index.h"

namespace semblance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kDimension = 64;
constexpr int kTopK = 10;
constexpr int kQueries = 1000;
constexpr int kRowsPerCluster = 50;
constexpr float kSpread = 0.12F;
constexpr int kApplyRows = 1000;
constexpr int kUpsertsPerSecond = 2000;
constexpr int kUpsertsPerStep = 20;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Unit vectors around random centres, about kRowsPerCluster each.
struct Data {
  std::vector<float> base;
  std::vector<float> queries;
  std::vector<float> updates;
};

void Normalize(absl::Span<float> vector) {
  float norm = 0;
  for (const float value : vector) {
    norm += value * value;
  }
  for (float& value : vector) {
    value /= std::sqrt(norm);
  }
}

std::vector<float> AroundCenters(const std::vector<float>& centers, int rows, std::mt19937* random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(rows) * kDimension);
  for (int row = 0; row < rows; ++row) {
    const float* center = &centers[(*random)() % (centers.size() / kDimension) * kDimension];
    const absl::Span<float> vector = absl::MakeSpan(values).subspan(static_cast<size_t>(row) * kDimension, kDimension);
    std::transform(center, center + kDimension, vector.begin(), [&](float value) { return value + kSpread * normal(*random); });
    Normalize(vector);
  }
  return values;
}

Data MakeData(int rows, int updates) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> centers(static_cast<size_t>(rows / kRowsPerCluster) * kDimension);
  for (size_t begin = 0; begin < centers.size(); begin += kDimension) {
    std::generate_n(centers.begin() + begin, kDimension, [&] { return normal(random); });
    Normalize(absl::MakeSpan(centers).subspan(begin, kDimension));
  }
  return {AroundCenters(centers, rows, &random), AroundCenters(centers, kQueries, &random),
          AroundCenters(centers, updates, &random)};
}

absl::Span<const float> RowOf(const std::vector<float>& rows, int64_t row) {
  return absl::MakeConstSpan(rows).subspan(row * kDimension, kDimension);
}

// Share of the true neighbours among the found row numbers, kTopK per query.
double Recall(const ExactNeighbors& truth, const std::vector<int64_t>& found) {
  int64_t hits = 0;
  for (size_t begin = 0; begin < found.size(); begin += kTopK) {
    for (size_t i = begin; i < begin + kTopK; ++i) {
      hits += std::count(truth.indices.begin() + begin, truth.indices.begin() + begin + kTopK, found[i]);
    }
  }
  return static_cast<double>(hits) / static_cast<double>(found.size());
}

double Percentile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<int64_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Runs `search(query number)` over all queries, several times; the row numbers of the first time and the latencies of all.
template <typename Search>
std::pair<std::vector<int64_t>, std::vector<double>> TimeQueries(int rounds, const Search& search) {
  std::vector<int64_t> found;
  std::vector<double> microseconds;
  for (int round = 0; round < rounds; ++round) {
    for (int query = 0; query < kQueries; ++query) {
      const Clock::time_point start = Clock::now();
      const std::vector<int64_t> rows = search(query);
      microseconds.push_back(SecondsSince(start) * 1e6);
      if (round == 0) {
        found.insert(found.end(), rows.begin(), rows.end());
      }
    }
  }
  return {std::move(found), std::move(microseconds)};
}

nlohmann::json Report(double build_seconds, double recall, const std::vector<double>& microseconds) {
  double sum = 0;
  for (const double one : microseconds) {
    sum += one;
  }
  return {{"build_seconds", build_seconds},
          {"recall_at_10", recall},
          {"queries_per_second", 1e6 * static_cast<double>(microseconds.size()) / sum},
          {"p50_us", Percentile(microseconds, 0.5)},
          {"p99_us", Percentile(microseconds, 0.99)}};
}

nlohmann::json BenchFaiss(const Data& data, const ExactNeighbors& truth, const SegmentedIndexOptions& options) {
  faiss::IndexHNSWFlat index(kDimension, options.hnsw_m, faiss::METRIC_INNER_PRODUCT);
  index.hnsw.efConstruction = options.hnsw_ef_construction;
  index.hnsw.efSearch = options.hnsw_ef_search;
  const Clock::time_point start = Clock::now();
  index.add(static_cast<int64_t>(data.base.size() / kDimension), data.base.data());
  const double build_seconds = SecondsSince(start);
  const auto [found, microseconds] = TimeQueries(/*rounds=*/3, [&](int query) {
    std::vector<float> scores(kTopK);
    std::vector<int64_t> rows(kTopK);
    index.search(1, RowOf(data.queries, query).data(), kTopK, scores.data(), rows.data());
    return rows;
  });
  return Report(build_seconds, Recall(truth, found), microseconds);
}

// Row i has the key i + 1.
absl::Status AddAll(const std::vector<float>& base, SegmentedIndex* index) {
  const int64_t rows = static_cast<int64_t>(base.size() / kDimension);
  for (int64_t begin = 0; begin < rows; begin += kApplyRows) {
    std::vector<IndexAdd> adds;
    for (int64_t row = begin; row < std::min(rows, begin + kApplyRows); ++row) {
      adds.push_back({static_cast<uint64_t>(row + 1), RowOf(base, row)});
    }
    SEMBLANCE_RETURN_IF_ERROR(index->Apply(adds, {}, adds.back().key));
  }
  index->WaitForBackgroundWork();
  return absl::OkStatus();
}

std::vector<int64_t> SearchRows(const SegmentedIndex& index, absl::Span<const float> query) {
  const absl::StatusOr<IndexSearchResult> result = index.Search(query, {kTopK, 0});
  std::vector<int64_t> rows;
  CHECK(result.ok()) << result.status();
  for (const ScoredKey& row : result->neighbors[0]) {
    rows.push_back(static_cast<int64_t>(row.key) - 1);
  }
  return rows;
}

// Replaces the oldest rows at kUpsertsPerSecond until all of `updates` are in.
absl::Status Upsert(const std::vector<float>& updates, SegmentedIndex* index) {
  const Clock::time_point start = Clock::now();
  const uint64_t first = index->applied_sequence() + 1;
  const int64_t rows = static_cast<int64_t>(updates.size() / kDimension);
  for (int64_t row = 0; row < rows;) {
    std::this_thread::sleep_until(start + std::chrono::microseconds(row * 1000000 / kUpsertsPerSecond));
    std::vector<IndexAdd> adds;
    std::vector<IndexDelete> deletes;
    for (int i = 0; i < kUpsertsPerStep && row < rows; ++i, ++row) {
      adds.push_back({first + row, RowOf(updates, row)});
      deletes.push_back({static_cast<uint64_t>(row + 1), first + row});
    }
    SEMBLANCE_RETURN_IF_ERROR(index->Apply(adds, deletes, adds.back().key));
  }
  return absl::OkStatus();
}

// Searches on this thread while another one writes and the index seals and merges.
absl::StatusOr<nlohmann::json> BenchBesideWrites(const Data& data, SegmentedIndex* index) {
  std::atomic<bool> done{false};
  absl::Status written;
  std::thread writer([&] {
    written = Upsert(data.updates, index);
    done = true;
  });
  std::vector<double> microseconds;
  for (int query = 0; !done; query = (query + 1) % kQueries) {
    const Clock::time_point start = Clock::now();
    SearchRows(*index, RowOf(data.queries, query));
    microseconds.push_back(SecondsSince(start) * 1e6);
  }
  writer.join();
  SEMBLANCE_RETURN_IF_ERROR(written);
  return nlohmann::json{{"upserts_per_second", kUpsertsPerSecond},
                        {"searches", microseconds.size()},
                        {"p50_us", Percentile(microseconds, 0.5)},
                        {"p99_us", Percentile(microseconds, 0.99)}};
}

absl::StatusOr<nlohmann::json> BenchSegmented(const Data& data, const ExactNeighbors& truth, SegmentedIndexOptions options) {
  std::string directory = (std::filesystem::temp_directory_path() / "semblance-bench-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) {
    return absl::UnavailableError("cannot create a temporary directory");
  }
  const auto remove = absl::MakeCleanup([&directory] { RemoveAll(directory).IgnoreError(); });
  nlohmann::json report;
  {
    options.build_threads = CoreCount();  // As many as FAISS takes by itself.
    SEMBLANCE_ASSIGN_OR_RETURN(const auto index, SegmentedIndex::Open(directory, options, {}, 0));
    const Clock::time_point start = Clock::now();
    SEMBLANCE_RETURN_IF_ERROR(AddAll(data.base, index.get()));
    const double build_seconds = SecondsSince(start);
    const auto [found, microseconds] =
        TimeQueries(/*rounds=*/3, [&](int query) { return SearchRows(*index, RowOf(data.queries, query)); });
    report = Report(build_seconds, Recall(truth, found), microseconds);
    report["sealed_segments"] = index->Stats().sealed_segments;
  }
  std::vector<uint64_t> keys;
  for (uint64_t key = 1; key <= data.base.size() / kDimension; ++key) {
    keys.push_back(key);
  }
  options.build_threads = 0;  // As a server has it.
  const Clock::time_point start = Clock::now();
  SEMBLANCE_ASSIGN_OR_RETURN(const auto index, SegmentedIndex::Open(directory, options, keys, keys.size()));
  report["open_seconds"] = SecondsSince(start);
  SEMBLANCE_ASSIGN_OR_RETURN(report["beside_writes"], BenchBesideWrites(data, index.get()));
  return report;
}

void Print(const char* name, int rows, const nlohmann::json& report) {
  std::printf("%s\n", absl::StrFormat("%-10s %8d %8.1f %8.4f %8.0f %8.0f %8.0f", name, rows, report["build_seconds"].get<double>(),
                                      report["recall_at_10"].get<double>(), report["queries_per_second"].get<double>(),
                                      report["p50_us"].get<double>(), report["p99_us"].get<double>())
                          .c_str());
}

absl::StatusOr<nlohmann::json> BenchRows(int rows, int write_seconds) {
  SegmentedIndexOptions options;
  options.dimension = kDimension;
  const Data data = MakeData(rows, write_seconds * kUpsertsPerSecond);
  SEMBLANCE_ASSIGN_OR_RETURN(const ExactNeighbors truth, ExactSearch(data.queries, data.base, kDimension, kTopK));
  nlohmann::json report = {{"rows", rows}, {"dimension", kDimension}, {"faiss", BenchFaiss(data, truth, options)}};
  Print("faiss", rows, report["faiss"]);
  SEMBLANCE_ASSIGN_OR_RETURN(report["segmented"], BenchSegmented(data, truth, options));
  Print("segmented", rows, report["segmented"]);
  const nlohmann::json& writes = report["segmented"]["beside_writes"];
  std::printf("%s\n", absl::StrFormat("%-10s %8s %8s %8s %8s %8.0f %8.0f", "  +writes", "", "", "", "",
                                      writes["p50_us"].get<double>(), writes["p99_us"].get<double>())
                          .c_str());
  return report;
}

absl::Status Run(const std::string& out, int write_seconds) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // Rows appear when they are measured, in a pipe too.
  std::printf("M 16, ef_construction 200, ef 128; dimension %d; one searching thread; +writes: %d upserts/s\n", kDimension,
              kUpsertsPerSecond);
  std::printf("%-10s %8s %8s %8s %8s %8s %8s\n", "index", "rows", "build s", "R@10", "qps", "p50 us", "p99 us");
  nlohmann::json report = nlohmann::json::array();
  for (const int rows : {20000, 100000}) {
    SEMBLANCE_ASSIGN_OR_RETURN(nlohmann::json one, BenchRows(rows, write_seconds));
    report.push_back(std::move(one));
  }
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(std::filesystem::path(out).parent_path().string()));
  return WriteFileAtomically(out, report.dump(/*indent=*/1) + "\n");
}

int Main(const std::vector<std::string>& args) {
  std::string out = "build/bench/index.json";
  int write_seconds = 8;
  CommandLine command("semblance-bench-index", "", "Measures the index beside FAISS's own HNSW.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON", &out);
  command.AddFlag("write_seconds", "N", "how long to search beside writes", &write_seconds);
  const auto arguments = command.Parse(args);
  if (command.help_requested()) {
    std::printf("%s", command.Help().c_str());
    return kExitDone;
  }
  if (!arguments.ok()) {
    std::fprintf(stderr, "%s\n", std::string(arguments.status().message()).c_str());
    return kExitUsage;
  }
  const absl::Status status = Run(out, write_seconds);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return kExitFailed;
  }
  return kExitDone;
}

}  // namespace
}  // namespace semblance

int main(int argc, char** argv) {
  semblance::TuneForCompute(argv);
  semblance::InitLogging(argv[0]);
  return semblance::Main({argv + 1, argv + argc});
}
