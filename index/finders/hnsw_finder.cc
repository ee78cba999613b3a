#include "index/finders/hnsw_finder.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "common/threads/mutex.h"
#include "index/finders/hnsw_builder.h"
#include "index/finders/hnsw_walk.h"
#include "index/finders/search_tuning.h"

namespace semblance::index {
namespace {

// A walk scores about this many nodes for each candidate that it keeps.
constexpr double kScoredPerCandidate = 20;
// Nanoseconds for a scored node of a walk, and for a row of a scan, as measured.
double NanosecondsPerScored(int dimension) {
  return 6 + dimension / 64.0;
}
double NanosecondsPerRow(int dimension) {
  return 1.5 + dimension / 32.0;
}
// A graph is extended until it has this many times the rows that it was built with.
constexpr int64_t kMaxGrowth = 2;
// Codes of added rows saturate when their scale is larger. This factor bounds how much.
constexpr float kMaxScaleGrowth = 1.2F;
// Keeping fewer candidates than this saves no time, because descending to the ground level costs as much.
constexpr int kMinEf = 16;
// Links of a node that a loaded graph may have. A file with other numbers is damaged.
constexpr int kMinM = 2;
constexpr int kMaxM = 1024;
constexpr int kEfforts[] = {16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024};

// Returns how many candidates, the best by code, are compared at full precision. The codes place a true neighbor behind these less
// than once in a thousand times.
int CountToCompare(int top_k) {
  return 2 * top_k + 20;
}

struct HnswParts {
  RowCodes codes;
  HnswGraph graph;
  // The ef_search that reached the target recall.
  TunedEffort tuned;
  // Number of rows that the graph was built with. Others were added later.
  int64_t built_rows = 0;
};

HnswBuildOptions BuildOptionsOf(const SegmentedIndexOptions& options) {
  return {.m = options.spec.hnsw_m,
          .ef_construction = std::max(options.hnsw_ef_construction, options.spec.hnsw_m),
          .threads = options.EffectiveBuildThreads()};
}

class HnswFinder final : public CandidateFinder {
 public:
  explicit HnswFinder(HnswParts parts) : parts_(std::move(parts)), levels_(parts_.graph, parts_.codes) {}

  int64_t CostInRows(const SegmentQuery& query, double share) const override {
    const int dimension = parts_.codes.dimension();
    const double nanoseconds = EfOf(query) * kScoredPerCandidate * NanosecondsPerScored(dimension);
    return static_cast<int64_t>(nanoseconds / NanosecondsPerRow(dimension) / share);
  }

  bool Find(const SegmentQuery& query, double share, const RowFilter* filter, std::vector<uint32_t>* rows) const override;

  bool CanExtend(const SegmentedIndexOptions& options, int64_t rows) const override {
    return options.spec.hnsw_m == parts_.graph.m && rows <= parts_.built_rows * kMaxGrowth;
  }
  absl::StatusOr<std::unique_ptr<CandidateFinder>> Extend(const SegmentedIndexOptions& options, const float* vectors, int64_t rows,
                                                          const std::stop_token& stop) const override;

  int64_t memory_bytes() const override {
    return static_cast<int64_t>(parts_.codes.bytes() + parts_.graph.bytes() + levels_.bytes());
  }

  void Save(nlohmann::json* description, std::vector<FileSection>* sections) const override;

 private:
  int EfOf(const SegmentQuery& query) const {
    const int ef = query.ef_search > 0 ? query.ef_search : parts_.tuned.effort;
    return std::max({ef, query.top_k + query.top_k / 2, kMinEf});
  }

  std::unique_ptr<HnswWalk> TakeWalk() const;
  void ReturnWalk(std::unique_ptr<HnswWalk> walk) const;

  const HnswParts parts_;
  const HnswLevels levels_;
  mutable Mutex mutex_;
  mutable std::vector<std::unique_ptr<HnswWalk>> walks_ SEMBLANCE_GUARDED_BY(mutex_);
};

// Descends from the top level to the ground level, and returns the candidates found there.
absl::Span<ScoredNode> SearchLevels(const HnswGraph& graph, const HnswLevels& levels, const Int8Query& query,
                                    const HnswEffort& effort, HnswWalk* walk) {
  uint32_t node = 0;
  for (int level = levels.top(); level > 0; --level) {
    node = walk->Climb(levels.level(level), query, node);
  }
  const uint32_t start = levels.top() > 0 ? graph.upper_rows[node] : graph.entry_row;
  return walk->Explore(levels.level(0), query, start, effort);
}

// Appends the rows of the best `count` nodes.
void TakeBest(absl::Span<ScoredNode> nodes, int count, std::vector<uint32_t>* rows) {
  const size_t taken = std::min(nodes.size(), static_cast<size_t>(count));
  if (taken < nodes.size()) {
    std::nth_element(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(taken), nodes.end(), std::greater<>());
  }
  for (const ScoredNode node : nodes.first(taken)) {
    rows->push_back(node.node());
  }
}

bool HnswFinder::Find(const SegmentQuery& query, double share, const RowFilter* filter, std::vector<uint32_t>* rows) const {
  const std::vector<int8_t> coded = parts_.codes.EncodeQuery(query.vector);
  std::unique_ptr<HnswWalk> walk = TakeWalk();
  HnswEffort effort = {.ef = EfOf(query), .filter = filter};
  if (filter != nullptr) {
    // A walk may need long to arrive at the rows that pass, so its work is limited.
    effort.max_scored = 4 * CostInRows(query, share);
  }
  const absl::Span<ScoredNode> found = SearchLevels(parts_.graph, levels_, Int8Query(coded), effort, walk.get());
  TakeBest(found, CountToCompare(query.top_k), rows);
  const bool done = !walk->ended_early();
  ReturnWalk(std::move(walk));
  return done;
}

std::unique_ptr<HnswWalk> HnswFinder::TakeWalk() const {
  {
    MutexLock lock(&mutex_);
    if (!walks_.empty()) {
      std::unique_ptr<HnswWalk> walk = std::move(walks_.back());
      walks_.pop_back();
      return walk;
    }
  }
  return std::make_unique<HnswWalk>(parts_.graph.rows(), parts_.codes);
}

void HnswFinder::ReturnWalk(std::unique_ptr<HnswWalk> walk) const {
  MutexLock lock(&mutex_);
  walks_.push_back(std::move(walk));
}

// Builds the graph, and measures the effort that it needs.
absl::Status InsertRows(const SegmentedIndexOptions& options, const float* vectors, const std::stop_token& stop,
                        HnswBuilder* builder, HnswParts* parts) {
  SEMBLANCE_RETURN_IF_ERROR(builder->InsertMost(stop));
  const RowCodes& codes = parts->codes;
  HnswWalk walk(codes.rows(), codes);
  const TuningTask task = {{vectors, static_cast<size_t>(codes.rows()) * options.dimension},
                           options.dimension,
                           builder->late_rows(),
                           kEfforts,
                           options.target_recall};
  parts->tuned = TuneEffort(task, [&](const float* query, int ef) {
    const std::vector<int8_t> coded = codes.EncodeQuery(query);
    std::vector<uint32_t> found;
    TakeBest(SearchLevels(builder->graph(), builder->levels(), Int8Query(coded), {.ef = ef}, &walk), CountToCompare(kTuningTopK),
             &found);
    return found;
  });
  SEMBLANCE_RETURN_IF_ERROR(builder->InsertLate(stop));
  parts->graph = builder->Take();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<CandidateFinder>> HnswFinder::Extend(const SegmentedIndexOptions& options, const float* vectors,
                                                                    int64_t rows, const std::stop_token& stop) const {
  const RowCodes& base = parts_.codes;
  const absl::Span<const float> added(vectors + base.rows() * options.dimension,
                                      static_cast<size_t>(rows - base.rows()) * options.dimension);
  if (RowCodes::ChooseScale(added) > kMaxScaleGrowth * base.scale()) {
    return nullptr;
  }
  HnswParts parts;
  parts.codes = RowCodes(options.dimension, rows, base.scale());
  std::copy_n(base.row(0), base.bytes(), parts.codes.mutable_row(0));
  for (int64_t row = base.rows(); row < rows; ++row) {
    parts.codes.SetRow(row, vectors + row * options.dimension);
  }
  parts.built_rows = parts_.built_rows;
  HnswBuilder builder(&parts.codes, BuildOptionsOf(options), parts_.graph, std::min(kTuningQueries, (rows - base.rows()) / 10));
  SEMBLANCE_RETURN_IF_ERROR(InsertRows(options, vectors, stop, &builder, &parts));
  // Only added rows served as queries, so the effort that the base needed still counts.
  parts.tuned.effort = std::max(parts.tuned.effort, parts_.tuned.effort);
  return std::make_unique<HnswFinder>(std::move(parts));
}

void HnswFinder::Save(nlohmann::json* description, std::vector<FileSection>* sections) const {
  const HnswGraph& graph = parts_.graph;
  (*description)["hnsw"] = {{"m", graph.m},
                            {"entry_row", graph.entry_row},
                            {"level_nodes", graph.level_nodes},
                            {"code_scale", parts_.codes.scale()},
                            {"built_rows", parts_.built_rows},
                            {"ef_search", parts_.tuned.effort},
                            {"measured_recall", parts_.tuned.recall}};
  sections->push_back({SectionKind::kRowCodes, BytesOf(absl::MakeConstSpan(parts_.codes.row(0), parts_.codes.bytes()))});
  sections->push_back({SectionKind::kGroundLinks, BytesOf(absl::MakeConstSpan(graph.ground.data(), graph.ground.size()))});
  sections->push_back({SectionKind::kUpperRows, BytesOf(absl::MakeConstSpan(graph.upper_rows))});
  sections->push_back({SectionKind::kUpperLinks, BytesOf(absl::MakeConstSpan(graph.upper_links))});
}

}  // namespace

absl::StatusOr<std::unique_ptr<CandidateFinder>> BuildHnswFinder(const SegmentedIndexOptions& options, const float* vectors,
                                                                 int64_t rows, const std::stop_token& stop) {
  HnswParts parts;
  const float scale = RowCodes::ChooseScale({vectors, static_cast<size_t>(rows) * options.dimension});
  parts.codes = RowCodes(options.dimension, rows, scale);
  for (int64_t row = 0; row < rows; ++row) {
    parts.codes.SetRow(row, vectors + row * options.dimension);
  }
  parts.built_rows = rows;
  HnswBuilder builder(&parts.codes, BuildOptionsOf(options), std::min(kTuningQueries, rows / 10));
  SEMBLANCE_RETURN_IF_ERROR(InsertRows(options, vectors, stop, &builder, &parts));
  return std::make_unique<HnswFinder>(std::move(parts));
}

absl::StatusOr<std::unique_ptr<CandidateFinder>> LoadHnswFinder(const nlohmann::json& description, const SegmentSections& sections,
                                                                int dimension, int64_t rows) {
  const nlohmann::json& numbers = description.at("hnsw");
  HnswParts parts;
  HnswGraph& graph = parts.graph;
  graph.m = numbers.at("m").get<int>();
  if (graph.m < kMinM || graph.m > kMaxM) {
    return absl::DataLossError(absl::StrCat("a graph with ", graph.m, " links a node; it has ", kMinM, " to ", kMaxM));
  }
  graph.entry_row = numbers.at("entry_row").get<uint32_t>();
  parts.tuned = {numbers.at("ef_search").get<int>(), numbers.at("measured_recall").get<double>()};
  parts.built_rows = numbers.at("built_rows").get<int64_t>();
  parts.codes = RowCodes(dimension, rows, numbers.at("code_scale").get<float>());
  SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kRowCodes, parts.codes.bytes(), parts.codes.mutable_row(0)));
  graph.ground = BigArray<uint32_t>(static_cast<size_t>(rows) * 2 * graph.m);
  SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kGroundLinks, graph.ground.size(), graph.ground.data()));
  graph.level_nodes = numbers.at("level_nodes").get<std::vector<size_t>>();
  if (std::any_of(graph.level_nodes.begin(), graph.level_nodes.end(),
                  [rows](size_t nodes) { return nodes > static_cast<size_t>(rows); })) {
    return absl::DataLossError(absl::StrCat("a level of the graph has more nodes than there are rows, ", rows));
  }
  graph.upper_rows.resize(graph.level_nodes.empty() ? 0 : graph.level_nodes.front());
  SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kUpperRows, graph.upper_rows.size(), graph.upper_rows.data()));
  graph.upper_links.resize(std::accumulate(graph.level_nodes.begin(), graph.level_nodes.end(), size_t{0}) * graph.m);
  SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kUpperLinks, graph.upper_links.size(), graph.upper_links.data()));
  SEMBLANCE_RETURN_IF_ERROR(graph.Validate());
  return std::make_unique<HnswFinder>(std::move(parts));
}

}  // namespace semblance::index
