// Makes deterministic unit vectors for the tests of the index.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_INDEX_RANDOM_VECTORS_H_
#define SEMBLANCE_TESTS_INDEX_RANDOM_VECTORS_H_

#include <cmath>
#include <random>
#include <vector>

namespace semblance::index {

// Unit vectors around `clusters` random centers, or anywhere for 0 clusters. Tight clusters resemble trained embeddings.
class RandomVectors {
 public:
  RandomVectors(int dimension, int clusters, unsigned seed) : dimension_(dimension), random_(seed) {
    for (int i = 0; i < clusters; ++i) {
      centers_.push_back(Normals());
    }
  }

  std::vector<float> Next() {
    std::vector<float> vector = Normals();
    if (!centers_.empty()) {
      const std::vector<float>& center = centers_[random_() % centers_.size()];
      for (int i = 0; i < dimension_; ++i) {
        vector[i] = center[i] + 0.4F * vector[i];
      }
    }
    float norm = 0;
    for (const float value : vector) {
      norm += value * value;
    }
    for (float& value : vector) {
      value /= std::sqrt(norm);
    }
    return vector;
  }

  std::vector<float> Rows(int count) {
    std::vector<float> rows;
    for (int i = 0; i < count; ++i) {
      const std::vector<float> row = Next();
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }

  int Below(int limit) { return static_cast<int>(random_() % limit); }

 private:
  std::vector<float> Normals() {
    std::vector<float> values(dimension_);
    for (float& value : values) {
      value = normal_(random_);
    }
    return values;
  }

  const int dimension_;
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centers_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_RANDOM_VECTORS_H_
