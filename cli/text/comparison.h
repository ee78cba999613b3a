// What two generations answer to the same queries, side by side, and how far the answers agree.
//
// Thread-compatible: plain values.
#ifndef SEMBLANCE_CLI_TEXT_COMPARISON_H_
#define SEMBLANCE_CLI_TEXT_COMPARISON_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semblance/v1/generation_service.pb.h"

namespace semblance::cli {

struct ComparedNeighbor {
  std::string item_id;
  float score = 0;
  std::optional<std::string> label;
  // Set by Score: the query's label is known and the same; the other generation found it too.
  bool same_label = false;
  bool in_both = false;
};

// The answer of one generation to one query.
struct ComparedAnswer {
  // By descending score.
  std::vector<ComparedNeighbor> neighbors;
  // Set by Score: the share of the neighbours with the query's label. Unset where the query has none, or nothing was found.
  std::optional<double> label_precision;
};

struct ComparedQuery {
  // An item's id or a file's name.
  std::string name;
  std::optional<std::string> label;
  // The encoded image of a file; empty for an item.
  std::string image;
  // Of the two generations.
  std::array<ComparedAnswer, 2> answers;
  // Set by Score: the items that both found, over the longer answer's length; 1 where both are empty.
  double overlap = 0;

  bool is_item() const { return image.empty(); }
};

struct Comparison {
  std::array<v1::Generation, 2> generations;
  int top_k = 0;
  std::vector<ComparedQuery> queries;
  // Encoded images of items by id, those of queries too. Items that are gone, or for which there was no room, are missing.
  std::map<std::string, std::string> images;
  int64_t images_without_room = 0;
  // Queries that could not be asked, and why.
  std::vector<std::string> left_out;
  // Set by Score: means over the queries; unset where there is none, with a label for the second.
  std::optional<double> mean_overlap;
  std::array<std::optional<double>, 2> mean_label_precision;
};

// Fills in what is set by Score, and sorts the queries: the smallest overlap first; among equals the larger difference of label
// precision, and then the present order.
void Score(Comparison& comparison);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_COMPARISON_H_
