// Knows the right answers of a server. For each generation it has the score of every item for every query, by brute force with
// the product's own embedder.
//
// Thread-compatible: const methods may run concurrently.
#ifndef SEMBLANCE_BENCH_RELOAD_ORACLE_H_
#define SEMBLANCE_BENCH_RELOAD_ORACLE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "semblance/v1/search_service.pb.h"

namespace semblance::bench {

class Oracle {
 public:
  // Item i has the id ItemId(i).
  Oracle(std::vector<std::string> items, std::vector<std::string> queries)
      : items_(std::move(items)), queries_(std::move(queries)) {}

  static std::string ItemId(size_t item);

  const std::vector<std::string>& items() const { return items_; }
  const std::vector<std::string>& queries() const { return queries_; }

  // The right answers of one generation.
  struct Truth {
    std::string embedding_space_id;
    // The scores, row-major, queries x items.
    std::vector<float> scores;
  };
  // REQUIRES: there is a score for each pair.
  void AddTruth(const std::string& generation, Truth truth) { truths_[generation] = std::move(truth); }

  // Embeds everything with the bundle of the generation. Errors: the errors of NewTorchEmbedder and Embedder::Embed.
  absl::Status AddGeneration(const std::string& generation, const std::string& bundle_dir);

  // Returns true if the answer to queries()[query] is that of exactly the generation that its provenance names. It must have
  // the right space and top_k different items with their scores to 1e-3. No missing item may score more than 1e-3 above the
  // last returned one.
  bool Agrees(size_t query, const v1::SearchResponse& answer, int top_k) const;

 private:
  const std::vector<std::string> items_;
  const std::vector<std::string> queries_;
  // The answers by generation.
  std::map<std::string, Truth> truths_;
};

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_RELOAD_ORACLE_H_
