// Best-first search of a FAISS HNSW graph, after Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search
// using hierarchical navigable small world graphs", algorithms 2 and 5. FAISS 1.7.3 builds the graph; its own search takes neither
// the number of candidates per call nor a filter.
//
// Thread-compatible; the visited table belongs to one search at a time.
#ifndef SEMBLANCE_INDEX_GRAPH_SEARCH_H_
#define SEMBLANCE_INDEX_GRAPH_SEARCH_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"

namespace faiss {
struct HNSW;
struct VisitedTable;
}  // namespace faiss

namespace semblance {

struct GraphQuery {
  const float* vector = nullptr;
  // The rows of the graph, row-major.
  const float* rows = nullptr;
  int dimension = 0;
  // How many visible rows to find; more make a better search. At least 1.
  int ef = 0;
};

struct ScoredRow {
  float score = 0;
  int64_t row = 0;
};

// Up to query.ef rows that are visible and near to the query, in no order. Rows that are not visible are passed through: the search
// goes on until it has seen ef visible ones, or no more rows can be reached. Leaves `visited` for the next search.
std::vector<ScoredRow> SearchGraph(const faiss::HNSW& graph, const GraphQuery& query, absl::FunctionRef<bool(int64_t)> visible,
                                   faiss::VisitedTable* visited);

}  // namespace semblance

#endif  // SEMBLANCE_INDEX_GRAPH_SEARCH_H_
