#include "index/index_spec.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace semblance::index {
namespace {

using Kind = IndexSpec::Kind;

// Up to this number of rows, a scan is as fast as any graph.
constexpr int64_t kFlatRows = 1000;
constexpr int kMinM = 4;
constexpr int kMaxM = 128;
constexpr int kMaxLists = 1 << 20;
constexpr int kMaxPqBytes = 4096;

bool TakeNumber(absl::string_view text, absl::string_view prefix, int min, int max, int* number) {
  return absl::ConsumePrefix(&text, prefix) && absl::SimpleAtoi(text, number) && *number >= min && *number <= max;
}

bool ParseParts(const std::vector<std::string>& parts, IndexSpec* spec) {
  const auto rest_is = [&parts](const std::vector<std::string>& rest) {
    return std::equal(parts.begin() + 1, parts.end(), rest.begin(), rest.end());
  };
  if (parts.front() == "auto" || parts.front() == "Flat") {
    spec->kind = parts.front() == "auto" ? Kind::kAuto : Kind::kFlat;
    return rest_is({});
  }
  if (TakeNumber(parts.front(), "HNSW", kMinM, kMaxM, &spec->hnsw_m)) {
    spec->kind = Kind::kHnsw;
    spec->mapped = rest_is({"SQ8", "RFlat"});
    return spec->mapped || rest_is({}) || rest_is({"Flat"});
  }
  if (!TakeNumber(parts.front(), "IVF", 0, kMaxLists, &spec->lists)) {
    return false;
  }
  spec->kind = rest_is({"Flat"}) ? Kind::kIvfFlat : Kind::kIvfPq;
  spec->mapped = spec->kind == Kind::kIvfPq;
  return spec->kind == Kind::kIvfFlat ||
         (parts.size() == 3 && TakeNumber(parts[1], "PQ", 1, kMaxPqBytes, &spec->pq_bytes) && parts[2] == "RFlat");
}

double Gibibytes(int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 30);
}

// Returns half of the dimension, so that a byte covers two components, or the next smaller divisor of the dimension.
int PqBytesFor(int dimension) {
  int bytes = std::max(1, dimension / 2);
  while (dimension % bytes != 0) {
    --bytes;
  }
  return bytes;
}

}  // namespace

absl::StatusOr<IndexSpec> ParseIndexSpec(absl::string_view factory) {
  IndexSpec spec;
  const std::vector<std::string> parts = absl::StrSplit(factory, ',');
  if (!ParseParts(parts, &spec)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", factory,
                     "\" is not the name of an index; expected auto, Flat, HNSW16, \"HNSW16,SQ8,RFlat\", "
                     "\"IVF1024,Flat\" or \"IVF1024,PQ16,RFlat\" (HNSW",
                     kMinM, " to HNSW", kMaxM, ", IVF0 to IVF", kMaxLists, ")"));
  }
  return spec;
}

absl::Status ValidateIndexSpec(const IndexSpec& spec, int dimension) {
  if (spec.kind == Kind::kIvfPq && dimension % spec.pq_bytes != 0) {
    return absl::InvalidArgumentError(absl::StrCat("the index ", ToString(spec), " cuts vectors into ", spec.pq_bytes,
                                                   " equal parts; the dimension ", dimension, " is not a multiple of that"));
  }
  return absl::OkStatus();
}

std::string ToString(const IndexSpec& spec) {
  switch (spec.kind) {
    case Kind::kAuto:
      return "auto";
    case Kind::kFlat:
      return "Flat";
    case Kind::kHnsw:
      return absl::StrCat("HNSW", spec.hnsw_m, spec.mapped ? ",SQ8,RFlat" : "");
    case Kind::kIvfFlat:
      return absl::StrCat("IVF", spec.lists, ",Flat");
    case Kind::kIvfPq:
      return absl::StrCat("IVF", spec.lists, ",PQ", spec.pq_bytes, ",RFlat");
  }
  return "";
}

int64_t EstimateMemoryBytes(const IndexSpec& spec, int dimension, int64_t rows) {
  constexpr int64_t kKeyBytes = 8;
  const int64_t vector_bytes = spec.mapped ? 0 : 4 * static_cast<int64_t>(dimension);
  const int64_t code_bytes = (int64_t{dimension} + 63) / 64 * 64;
  switch (spec.kind) {
    case Kind::kHnsw:
      return rows * (kKeyBytes + vector_bytes + code_bytes + int64_t{spec.hnsw_m} * 2 * 4) * 17 /
             16;  // The upper levels add one row in M, which is estimated as one in 16.
    case Kind::kIvfPq:
      return rows * (kKeyBytes + vector_bytes + spec.pq_bytes + 4);
    default:
      return rows * (kKeyBytes + vector_bytes + 4);
  }
}

ChosenIndexSpec ChooseIndexSpec(const IndexSpec& spec, int dimension, int64_t segment_rows, int64_t index_rows,
                                int64_t memory_budget_bytes) {
  if (spec.kind != Kind::kAuto) {
    return {spec, "as configured"};
  }
  if (segment_rows <= kFlatRows) {
    return {{.kind = Kind::kFlat}, absl::StrFormat("auto: %d rows are scanned as fast as any index answers", segment_rows)};
  }
  const IndexSpec graph = {.kind = Kind::kHnsw};
  const IndexSpec mapped_graph = {.kind = Kind::kHnsw, .mapped = true};
  const IndexSpec lists = {.kind = Kind::kIvfPq, .pq_bytes = PqBytesFor(dimension), .mapped = true};
  for (const IndexSpec& one : {graph, mapped_graph}) {
    if (const int64_t bytes = EstimateMemoryBytes(one, dimension, index_rows); bytes <= memory_budget_bytes) {
      return {one, absl::StrFormat("auto: %d rows of dimension %d take %.2f GiB of the budget of %.2f GiB", index_rows, dimension,
                                   Gibibytes(bytes), Gibibytes(memory_budget_bytes))};
    }
  }
  return {lists, absl::StrFormat("auto: a graph over %d rows of dimension %d would take %.2f GiB; the budget is %.2f GiB",
                                 index_rows, dimension, Gibibytes(EstimateMemoryBytes(mapped_graph, dimension, index_rows)),
                                 Gibibytes(memory_budget_bytes))};
}

}  // namespace semblance::index
