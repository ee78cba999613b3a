// A bundle without a network. It has the files that a store keeps and the names that an embedder reports, in a few bytes.
#ifndef SEMBLANCE_TESTS_TESTING_FAKE_BUNDLE_H_
#define SEMBLANCE_TESTS_TESTING_FAKE_BUNDLE_H_

#include <string>
#include <utility>

#include "embedder/bundle/bundle.h"
#include "tests/testing/fake_embedder.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {

// Writes a bundle to `directory`. Different weights make different embedding spaces.
inline void WriteFakeBundle(const std::string& directory, int dimension, char weight = 1) {
  embedder::Bundle bundle;
  bundle.manifest.set_name("fake");
  bundle.manifest.set_dimension(dimension);
  bundle.manifest.set_without_proxies(true);
  const FakeEmbedder embedder(dimension);
  *bundle.manifest.mutable_architecture() = embedder.manifest().architecture();
  *bundle.manifest.mutable_preprocessing() = embedder.manifest().preprocessing();
  bundle.manifest.add_classes("only");
  bundle.model["weight"] = {.dtype = "F32", .shape = {1}, .data = std::string(4, weight)};
  EXPECT_OK(embedder::WriteBundle(directory, bundle));
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_FAKE_BUNDLE_H_
