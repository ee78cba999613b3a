// An Embedder without a network. It returns unit vectors that depend only on the pixels. A gate can hold a batch, so that tests of
// batching need no sleeps.
//
// Thread-safe.
#ifndef SEMBLANCE_TESTS_TESTING_FAKE_EMBEDDER_H_
#define SEMBLANCE_TESTS_TESTING_FAKE_EMBEDDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "embedder/embedder.h"
#include "embedder/image/image.h"
#include "embedder/image/preprocess.h"

namespace semblance::testing {

class FakeEmbedder : public embedder::Embedder {
 public:
  // The input is `side` x `side` gray pixels, to which images are stretched.
  explicit FakeEmbedder(int dimension, int side = 8);

  const storage::v1::BundleManifest& manifest() const override { return manifest_; }
  const embedder::Preprocessor& preprocessor() const override { return preprocessor_; }
  const std::string& device() const override { return device_; }
  absl::Status Embed(absl::Span<const embedder::Image> images, absl::Span<float> out) const override;

  // Returns the vector that Embed writes for an image.
  std::vector<float> VectorOf(const embedder::Image& image) const;

  // Makes calls of Embed stop at the gate until it is opened.
  void CloseGate();
  void OpenGate();
  // Waits until a call of Embed stops at the gate.
  void AwaitCallAtGate() const;

  // Makes Embed return this status, unless it is OK.
  void FailWith(absl::Status status);
  // Makes Embed return this status for every batch that has an image with this first pixel. The row of such an image is NaN.
  void FailOn(uint8_t first_pixel, absl::Status status);

  // The size of each call so far, and the first pixel of each image in it.
  std::vector<std::vector<uint8_t>> calls() const;

 private:
  storage::v1::BundleManifest manifest_;
  embedder::Preprocessor preprocessor_;
  const std::string device_ = "fake";
  mutable Mutex mutex_;
  mutable Condition changed_;
  bool gate_closed_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  mutable int at_gate_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  absl::Status status_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<uint8_t, absl::Status> failures_ SEMBLANCE_GUARDED_BY(mutex_);
  mutable std::vector<std::vector<uint8_t>> calls_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_FAKE_EMBEDDER_H_
