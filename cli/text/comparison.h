// A comparison of two generations: their answers to the same queries, and how far these agree.
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
  // Score sets both. same_label: the query has a label, and it is this one. in_both: the other generation found the item too.
  bool same_label = false;
  bool in_both = false;
};

// The answer of one generation to one query.
struct ComparedAnswer {
  // The neighbors, in descending order of score.
  std::vector<ComparedNeighbor> neighbors;
  // Score sets this: the share of the neighbors with the query's label. It stays unset when the query has no label or nothing was
  // found.
  std::optional<double> label_precision;
};

struct ComparedQuery {
  // An item's id or a file's name.
  std::string name;
  std::optional<std::string> label;
  // The encoded image of a file. It is empty for an item.
  std::string image;
  // One answer for each of the two generations.
  std::array<ComparedAnswer, 2> answers;
  // Score sets this: the number of items that both found, divided by the length of the longer answer. It is 1 when both are empty.
  double overlap = 0;

  bool is_item() const { return image.empty(); }
};

struct Comparison {
  std::array<v1::Generation, 2> generations;
  int top_k = 0;
  std::vector<ComparedQuery> queries;
  // Encoded images by the id of their item, for queries and neighbors. Deleted items, and items for which there was no room, have
  // none.
  std::map<std::string, std::string> images;
  int64_t images_without_room = 0;
  // The queries that could not be asked, each with the reason.
  std::vector<std::string> left_out;
  // Score sets these: the means over all queries, and over the queries with a label. They stay unset when there is no such query.
  std::optional<double> mean_overlap;
  std::array<std::optional<double>, 2> mean_label_precision;
};

// Fills in the fields that say so, and sorts the queries by ascending overlap. Queries of equal overlap are sorted by descending
// difference of label precision, and otherwise keep their order.
void Score(Comparison& comparison);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_COMPARISON_H_
