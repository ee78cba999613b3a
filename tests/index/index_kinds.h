// The kinds of sealed segments, for tests that must hold for all of them.
#ifndef SEMBLANCE_TESTS_INDEX_INDEX_KINDS_H_
#define SEMBLANCE_TESTS_INDEX_INDEX_KINDS_H_

#include "index/index_spec.h"

namespace semblance::testing {

inline constexpr const char* kAllKinds[] = {"Flat", "HNSW4", "HNSW4,SQ8,RFlat", "IVF0,Flat", "IVF0,PQ1,RFlat"};

// Parses a factory string. REQUIRES: it is valid.
inline index::IndexSpec SpecOf(const char* factory) {
  return index::ParseIndexSpec(factory).value();
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INDEX_INDEX_KINDS_H_
