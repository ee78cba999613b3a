#include "tests/testing/fake_embedder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "common/logging.h"

namespace semblance::testing {
namespace {

storage::v1::BundleManifest FakeManifest(int dimension, int side) {
  storage::v1::BundleManifest manifest;
  manifest.set_format_version(1);
  manifest.set_name("fake");
  manifest.set_embedding_space_id("sha256:" + std::string(64, '0'));
  manifest.set_dimension(dimension);
  manifest.mutable_architecture()->mutable_small_convnet()->add_channels(1);
  manifest.mutable_architecture()->mutable_small_convnet()->set_convolutions_per_stage(1);
  storage::v1::Preprocessing* preprocessing = manifest.mutable_preprocessing();
  preprocessing->set_resize(storage::v1::Preprocessing::RESIZE_STRETCH);
  preprocessing->set_resize_side(side);
  preprocessing->set_crop_side(side);
  preprocessing->set_channels(1);
  preprocessing->add_mean(0.5);
  preprocessing->add_std(0.5);
  return manifest;
}

embedder::Preprocessor MakePreprocessor(const storage::v1::BundleManifest& manifest) {
  absl::StatusOr<embedder::Preprocessor> preprocessor = embedder::Preprocessor::Create(manifest.preprocessing());
  CHECK(preprocessor.ok()) << preprocessor.status();
  return *preprocessor;
}

}  // namespace

FakeEmbedder::FakeEmbedder(int dimension, int side)
    : manifest_(FakeManifest(dimension, side)), preprocessor_(MakePreprocessor(manifest_)) {}

std::vector<float> FakeEmbedder::VectorOf(const embedder::Image& image) const {
  std::seed_seq seed(image.pixels.begin(), image.pixels.end());
  std::mt19937 random(seed);
  std::vector<float> vector(static_cast<size_t>(dimension()));
  double sum = 0;
  for (float& value : vector) {
    value = static_cast<float>(random()) / 2147483648.0F - 1;
    sum += double{value} * value;
  }
  for (float& value : vector) {
    value = static_cast<float>(value / std::sqrt(sum));
  }
  return vector;
}

absl::Status FakeEmbedder::Embed(absl::Span<const embedder::Image> images, absl::Span<float> out) const {
  CHECK_EQ(out.size(), images.size() * static_cast<size_t>(dimension()));
  for (size_t i = 0; i < images.size(); ++i) {
    const std::vector<float> vector = VectorOf(images[i]);
    std::copy(vector.begin(), vector.end(), out.begin() + static_cast<ptrdiff_t>(i * vector.size()));
  }
  const MutexLock lock(&mutex_);
  absl::Status status = status_;
  std::vector<uint8_t>& call = calls_.emplace_back();
  for (size_t i = 0; i < images.size(); ++i) {
    call.push_back(images[i].pixels.empty() ? 0 : images[i].pixels[0]);
    if (const auto failure = failures_.find(call.back()); failure != failures_.end()) {
      out[i * static_cast<size_t>(dimension())] = std::numeric_limits<float>::quiet_NaN();
      status = failure->second;
    }
  }
  ++at_gate_;
  changed_.NotifyAll();
  changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return !gate_closed_; });
  --at_gate_;
  return status.ok() ? status_ : status;
}

void FakeEmbedder::CloseGate() {
  const MutexLock lock(&mutex_);
  gate_closed_ = true;
}

void FakeEmbedder::OpenGate() {
  const MutexLock lock(&mutex_);
  gate_closed_ = false;
  changed_.NotifyAll();
}

void FakeEmbedder::AwaitCallAtGate() const {
  const MutexLock lock(&mutex_);
  changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return at_gate_ > 0; });
}

void FakeEmbedder::FailWith(absl::Status status) {
  const MutexLock lock(&mutex_);
  status_ = std::move(status);
}

void FakeEmbedder::FailOn(uint8_t first_pixel, absl::Status status) {
  const MutexLock lock(&mutex_);
  failures_[first_pixel] = std::move(status);
}

std::vector<std::vector<uint8_t>> FakeEmbedder::calls() const {
  const MutexLock lock(&mutex_);
  return calls_;
}

}  // namespace semblance::testing
