// semblance-bench-index compares the index with hnswlib and with FAISS as Debian builds it: queries per second at a recall, time to
// build, and memory. It then measures the exact scan against the bandwidth of the memory, the cost by size, and searches beside
// writes.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "bench/benchmark_program.h"
#include "bench/index/bench_data.h"
#include "bench/index/comparators.h"
#include "bench/index/measured_index.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/program/process.h"
#include "common/quantile.h"
#include "common/status_macros.h"
#include "common/threads/stop.h"
#include "common/threads/thread_pool.h"
#include "common/threads/worker.h"
#include "index/rows/big_array.h"

namespace semblance::bench {
namespace {

using nlohmann::json;
using SearchFunction = std::function<std::vector<int64_t>(absl::Span<const float> query)>;

constexpr double kTargetRecall = 0.99;
constexpr int kRounds = 5;
constexpr int kEfs[] = {10, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 512, 768, 1024};
constexpr char kGraph[] = "HNSW16";
constexpr char kCompressedGraph[] = "HNSW16,SQ8,RFlat";
// For more rows, only the compressed graph is measured.
constexpr int64_t kMaxFullRows = 5'000'000;
constexpr int kWriteRows = 100'000;
constexpr int kUpsertsPerSecond = 2000;
constexpr int kUpsertsPerStep = 20;

struct Flags {
  std::string output = "build/bench/index.json";
  std::string parts = "scan,writes,sizes,cases";
  std::string cases = "64x1000000,128x1000000,512x200000";
  std::string sizes = "10000,100000,1000000";
  std::string bundle;
  std::string data;
  int write_seconds = 10;
};

double SecondsSince(absl::Time start) {
  return absl::ToDoubleSeconds(absl::Now() - start);
}

std::vector<int64_t> SearchAll(const BenchData& data, const SearchFunction& search) {
  std::vector<int64_t> found;
  for (int query = 0; query < kQueries; ++query) {
    std::vector<int64_t> rows = search(data.query(query));
    rows.resize(kTopK, -1);
    found.insert(found.end(), rows.begin(), rows.end());
  }
  return found;
}

// Measures one way to search at the smallest ef that reaches the target.
struct Contestant {
  std::string name;
  std::function<void(int)> set_ef;
  SearchFunction search;
  int ef = 0;
  double recall = 0;
  std::vector<double> qps = {};

  void ChooseEf(const BenchData& data) {
    for (const int candidate : kEfs) {
      ef = candidate;
      set_ef(ef);
      recall = Recall(data, SearchAll(data, search));
      if (recall >= kTargetRecall) {
        return;
      }
    }
  }
};

// The rounds alternate, so that a busy moment of the machine affects all ways.
void Race(const BenchData& data, std::vector<Contestant>* contestants) {
  for (int round = 0; round < kRounds; ++round) {
    for (Contestant& one : *contestants) {
      one.set_ef(one.ef);
      const absl::Time start = absl::Now();
      SearchAll(data, one.search);
      one.qps.push_back(kQueries / SecondsSince(start));
    }
  }
}

Contestant Ours(const std::string& name, const MeasuredIndex& index, int* ef) {
  return {.name = name,
          .set_ef = [ef](int value) { *ef = value; },
          .search = [&index, ef](absl::Span<const float> query) { return index.Search(query, *ef); }};
}

Contestant Theirs(const std::string& name, Comparator* comparator) {
  return {.name = name,
          .set_ef = [comparator](int value) { comparator->SetEf(value); },
          .search = [comparator](absl::Span<const float> query) { return comparator->Search(query); }};
}

void PrintContestant(const Contestant& one, double build_seconds, double bytes_per_vector) {
  std::printf("  %s\n", absl::StrFormat("%-20s ef %4d  recall %.4f  %8.0f queries/s  build %7.1f s  %6.0f bytes/vector", one.name,
                                        one.ef, one.recall, Quantile(one.qps, 0.5), build_seconds, bytes_per_vector)
                            .c_str());
}

// Builds everything with one thread, and compares the four ways to search.
absl::Status BenchCase(const BenchData& data, json* cases) {
  std::printf("dimension %d, %d rows, one thread\n", data.dimension, static_cast<int>(data.rows()));
  const double rows = static_cast<double>(data.rows());
  SEMBLANCE_ASSIGN_OR_RETURN(const auto full, MeasuredIndex::Build(data, kGraph, /*build_threads=*/1));
  SEMBLANCE_RETURN_IF_ERROR(full->Reopen(8192));
  SEMBLANCE_ASSIGN_OR_RETURN(const auto compressed, MeasuredIndex::Build(data, kCompressedGraph, /*build_threads=*/1));
  SEMBLANCE_RETURN_IF_ERROR(compressed->Reopen(8192));
  const int64_t before = AnonymousMemoryBytes();
  const absl::Time start = absl::Now();
  const std::unique_ptr<HnswlibIndex> hnswlib = BuildHnswlib(data, {});
  const double hnswlib_seconds = SecondsSince(start);
  const double hnswlib_bytes = static_cast<double>(AnonymousMemoryBytes() - before) / rows;
  const std::unique_ptr<Comparator> faiss = hnswlib->WithFaissSearch();

  int full_ef = 0;
  int compressed_ef = 0;
  std::vector<Contestant> race = {Ours(kGraph, *full, &full_ef), Ours(kCompressedGraph, *compressed, &compressed_ef),
                                  Theirs("hnswlib", hnswlib.get()), Theirs("FAISS plain", faiss.get())};
  for (Contestant& one : race) {
    one.ChooseEf(data);
  }
  Race(data, &race);
  const MeasuredIndex* const indexes[] = {full.get(), compressed.get()};
  for (int i = 0; i < 2; ++i) {
    const double bytes = static_cast<double>(indexes[i]->memory_bytes()) / rows;
    PrintContestant(race[i], indexes[i]->build_seconds(), bytes);
    cases->push_back({{"dim", data.dimension},
                      {"count", data.rows()},
                      {"compressed", i == 1},
                      {"recall_at_10", race[i].recall},
                      {"ef", race[i].ef},
                      {"recall_at_10_measured_effort",
                       Recall(data, SearchAll(data, [&](absl::Span<const float> query) { return indexes[i]->Search(query, 0); }))},
                      {"qps", Quantile(race[i].qps, 0.5)},
                      {"recall_at_10_hnswlib", race[2].recall},
                      {"qps_hnswlib", Quantile(race[2].qps, 0.5)},
                      {"recall_at_10_faiss_plain", race[3].recall},
                      {"qps_faiss_plain", Quantile(race[3].qps, 0.5)},
                      {"build_seconds", indexes[i]->build_seconds()},
                      {"build_seconds_hnswlib", hnswlib_seconds},
                      {"bytes_per_vector", bytes},
                      {"bytes_per_vector_hnswlib", hnswlib_bytes},
                      {"open_seconds", indexes[i]->open_seconds()}});
  }
  PrintContestant(race[2], hnswlib_seconds, hnswlib_bytes);
  PrintContestant(race[3], 0, 0);
  return absl::OkStatus();
}

// Measures how fast this thread can read memory, by summing all of it in vectors.
double ReadBandwidth(absl::Span<const float> memory) {
  using Lanes = uint64_t __attribute__((vector_size(64)));
  Lanes sums[4] = {};
  const absl::Time start = absl::Now();
  constexpr size_t kStep = 4 * sizeof(Lanes) / sizeof(float);
  for (size_t i = 0; i + kStep <= memory.size(); i += kStep) {
    for (size_t lane = 0; lane < 4; ++lane) {
      Lanes value;
      std::memcpy(&value, &memory[i + lane * sizeof(Lanes) / sizeof(float)], sizeof(value));
      sums[lane] ^= value;
    }
  }
  const double seconds = SecondsSince(start);
  const Lanes sum = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
  asm volatile("" : : "m"(sum));  // Otherwise the compiler would remove the loop.
  return static_cast<double>(memory.size() * sizeof(float)) / seconds;
}

absl::Status BenchScan(json* report) {
  SEMBLANCE_ASSIGN_OR_RETURN(const BenchData data, MakeClusters(64, 1'000'000));
  SEMBLANCE_ASSIGN_OR_RETURN(const auto index, MeasuredIndex::Build(data, "Flat", 0));
  // The bandwidth is measured on memory like the index's own, which is large and not in the cache.
  index::BigArray<float> memory(data.base.size());
  std::copy(data.base.begin(), data.base.end(), memory.data());
  std::vector<double> scan;
  std::vector<double> read;
  for (int round = 0; round < 3 * kRounds; ++round) {
    read.push_back(ReadBandwidth({memory.data(), memory.size()}));
    const absl::Time start = absl::Now();
    index->Search(data.query(round), 0);
    scan.push_back(static_cast<double>(data.base.size() * sizeof(float)) / SecondsSince(start));
  }
  *report = {{"dim", 64},
             {"count", data.rows()},
             {"bytes_per_second", Quantile(scan, 0.5)},
             {"read_bandwidth", Quantile(read, 0.5)},
             {"share", Quantile(scan, 0.5) / Quantile(read, 0.5)}};
  std::printf("exact scan, 1,000,000 x 64, one query: %.1f GB/s of %.1f GB/s read bandwidth: %.0f %%\n", Quantile(scan, 0.5) / 1e9,
              Quantile(read, 0.5) / 1e9, 100 * Quantile(scan, 0.5) / Quantile(read, 0.5));
  return absl::OkStatus();
}

std::vector<double> Latencies(const BenchData& data, const MeasuredIndex& index) {
  std::vector<double> microseconds;
  for (int query = 0; query < kQueries; ++query) {
    const absl::Time start = absl::Now();
    index.Search(data.query(query), 0);
    microseconds.push_back(SecondsSince(start) * 1e6);
  }
  return microseconds;
}

// Measures the index as a server has it: it is built with all cores, and the effort of a search is the one measured when the
// segment was sealed.
absl::Status BenchSize(int64_t rows, json* sizes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const BenchData data, MakeClusters(64, rows));
  for (const char* const factory : {kGraph, kCompressedGraph}) {
    if (rows > kMaxFullRows && factory == kGraph) {
      continue;
    }
    SEMBLANCE_ASSIGN_OR_RETURN(const auto index, MeasuredIndex::Build(data, factory, CoreCount()));
    SEMBLANCE_RETURN_IF_ERROR(index->Reopen(8192));
    const double recall = Recall(data, SearchAll(data, [&](absl::Span<const float> query) { return index->Search(query, 0); }));
    const std::vector<double> microseconds = Latencies(data, *index);
    sizes->push_back({{"count", rows},
                      {"dim", 64},
                      {"index", factory},
                      {"build_seconds", index->build_seconds()},
                      {"recall_at_10", recall},
                      {"p50_us", Quantile(microseconds, 0.5)},
                      {"p99_us", Quantile(microseconds, 0.99)},
                      {"memory_bytes", index->memory_bytes()},
                      {"open_seconds", index->open_seconds()}});
    std::printf("%s\n", absl::StrFormat(
                            "%9d x 64  %-18s build %7.1f s  recall %.4f  p50 %6.0f us  p99 %6.0f us  %7.1f MiB  start %.2f s", rows,
                            factory, index->build_seconds(), recall, Quantile(microseconds, 0.5), Quantile(microseconds, 0.99),
                            static_cast<double>(index->memory_bytes()) / (1 << 20), index->open_seconds())
                            .c_str());
  }
  return absl::OkStatus();
}

// Replaces the oldest rows at kUpsertsPerSecond until told to stop.
absl::Status Upsert(const BenchData& data, const std::stop_token& stop, index::SegmentedIndex* index) {
  const absl::Time start = absl::Now();
  const uint64_t first = index->applied_sequence() + 1;
  for (int64_t row = 0; !stop.stop_requested(); row += kUpsertsPerStep) {
    WaitForStop(stop, start + absl::Microseconds(row * 1'000'000 / kUpsertsPerSecond) - absl::Now());
    std::vector<index::IndexAdd> adds;
    std::vector<index::IndexDelete> deletes;
    for (int64_t i = row; i < row + kUpsertsPerStep; ++i) {
      adds.push_back({first + static_cast<uint64_t>(i), data.row(i % data.rows())});
      deletes.push_back({static_cast<uint64_t>(i + 1), adds.back().key});
    }
    SEMBLANCE_RETURN_IF_ERROR(index->Apply(adds, deletes, adds.back().key));
  }
  return absl::OkStatus();
}

std::vector<double> LatenciesFor(absl::Duration duration, const BenchData& data, const MeasuredIndex& index) {
  std::vector<double> microseconds;
  for (const absl::Time end = absl::Now() + duration; absl::Now() < end;) {
    const std::vector<double> more = Latencies(data, index);
    microseconds.insert(microseconds.end(), more.begin(), more.end());
  }
  return microseconds;
}

absl::Status BenchWrites(int write_seconds, json* report) {
  SEMBLANCE_ASSIGN_OR_RETURN(const BenchData data, MakeClusters(64, kWriteRows));
  SEMBLANCE_ASSIGN_OR_RETURN(const auto index, MeasuredIndex::Build(data, kGraph, CoreCount()));
  SEMBLANCE_RETURN_IF_ERROR(index->Reopen(8192));
  const std::vector<double> idle = LatenciesFor(absl::Seconds(write_seconds), data, *index);
  absl::Status written;
  Worker writer("writer", [&](const std::stop_token& stop) { written = Upsert(data, stop, &index->index()); });
  const std::vector<double> beside = LatenciesFor(absl::Seconds(write_seconds), data, *index);
  writer.Stop();
  SEMBLANCE_RETURN_IF_ERROR(written);
  *report = {{"count", kWriteRows},
             {"upserts_per_second", kUpsertsPerSecond},
             {"p50_idle_us", Quantile(idle, 0.5)},
             {"p99_idle_us", Quantile(idle, 0.99)},
             {"p50_us", Quantile(beside, 0.5)},
             {"p99_us", Quantile(beside, 0.99)},
             {"sealed_segments", index->index().Stats().sealed_segments}};
  std::printf("searches of %d rows: p50 %.0f us, p99 %.0f us; beside %d upserts/s: p50 %.0f us, p99 %.0f us\n", kWriteRows,
              Quantile(idle, 0.5), Quantile(idle, 0.99), kUpsertsPerSecond, Quantile(beside, 0.5), Quantile(beside, 0.99));
  return absl::OkStatus();
}

absl::Status BenchSizes(const Flags& flags, json* sizes, const std::function<absl::Status()>& save) {
  for (const absl::string_view size : absl::StrSplit(flags.sizes, ',')) {
    int64_t rows = 0;
    if (!absl::SimpleAtoi(size, &rows)) {
      return absl::InvalidArgumentError("--sizes is a list of numbers of rows");
    }
    SEMBLANCE_RETURN_IF_ERROR(BenchSize(rows, sizes));
    SEMBLANCE_RETURN_IF_ERROR(save());
  }
  return absl::OkStatus();
}

absl::Status BenchCases(const Flags& flags, json* cases, const std::function<absl::Status()>& save) {
  if (!flags.bundle.empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(const BenchData data, EmbedDataset(flags.bundle, flags.data));
    SEMBLANCE_RETURN_IF_ERROR(BenchCase(data, cases));
    return save();
  }
  for (const absl::string_view one : absl::StrSplit(flags.cases, ',')) {
    const std::vector<absl::string_view> numbers = absl::StrSplit(one, 'x');
    int dimension = 0;
    int64_t rows = 0;
    if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &dimension) || !absl::SimpleAtoi(numbers[1], &rows)) {
      return absl::InvalidArgumentError("--cases is a list of DIMENSIONxROWS, such as 64x100000,512x20000");
    }
    SEMBLANCE_ASSIGN_OR_RETURN(const BenchData data, MakeClusters(dimension, rows));
    SEMBLANCE_RETURN_IF_ERROR(BenchCase(data, cases));
    SEMBLANCE_RETURN_IF_ERROR(save());
  }
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // Rows appear when they are measured, in a pipe too.
  json report;
  report["data"] = flags.bundle.empty() ? "Gaussian clusters on the sphere, 50 rows each" : "embeddings of " + flags.data;
  std::printf("data: %s; M = 16, efConstruction = 200; the smallest ef with recall@10 >= %.2f; medians of %d\n",
              report["data"].get<std::string>().c_str(), kTargetRecall, kRounds);
  const auto save = [&] { return WriteFileAtomically(flags.output, report.dump(/*indent=*/1) + "\n"); };
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(std::filesystem::path(flags.output).parent_path().string()));
  for (const absl::string_view part : absl::StrSplit(flags.parts, ',')) {
    if (part == "scan") {
      SEMBLANCE_RETURN_IF_ERROR(BenchScan(&report["exact_scan"]));
    } else if (part == "writes") {
      SEMBLANCE_RETURN_IF_ERROR(BenchWrites(flags.write_seconds, &report["beside_writes"]));
    } else if (part == "sizes") {
      SEMBLANCE_RETURN_IF_ERROR(BenchSizes(flags, &report["sizes"], save));
    } else if (part == "cases") {
      SEMBLANCE_RETURN_IF_ERROR(BenchCases(flags, &report["cases"], save));
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--parts has ", part, "; it is a list of scan, writes, sizes and cases"));
    }
    SEMBLANCE_RETURN_IF_ERROR(save());
  }
  return absl::OkStatus();
}

int Main(const std::vector<std::string>& args) {
  Flags flags;
  CommandLine command("semblance-bench-index", "", "Measures the index beside hnswlib and FAISS.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON", &flags.output);
  command.AddFlag("parts", "LIST", "what to measure", &flags.parts);
  command.AddFlag("cases", "LIST", "what to compare: DIMENSIONxROWS,...", &flags.cases);
  command.AddFlag("sizes", "LIST", "rows, for cost against size", &flags.sizes);
  command.AddFlag("bundle", "DIR", "compare on embeddings by this model bundle instead", &flags.bundle);
  command.AddFlag("data", "DIR", "of the images of this data set", &flags.data);
  command.AddFlag("write_seconds", "N", "how long to search beside writes", &flags.write_seconds);
  command.AddExample("semblance-bench-index --parts=cases,writes --cases=64x100000");
  const auto check = [&] {
    return flags.bundle.empty() == flags.data.empty() ? absl::OkStatus()
                                                      : absl::InvalidArgumentError("--bundle and --data go together");
  };
  return RunBenchmark(&command, args, check, [&] { return Run(flags); });
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::TuneForCompute(argv);
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main({argv + 1, argv + argc});
}
