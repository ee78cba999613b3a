#include "embedder/image/preprocess.h"

#include <algorithm>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "common/logging.h"
#include "common/status_macros.h"
#include "embedder/bundle/manifest.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Preprocessing;

// An image that is longer than this many times its short side is first cut to that ratio, around the center. Otherwise a line of
// 16,384 x 1 pixels, scaled to a short side of 1,024 pixels, would have 17 billion pixels.
constexpr int kMaxAspectRatio = 8;

Image Blank(int width, int height, int channels) {
  return {width, height, channels, std::vector<uint8_t>(static_cast<size_t>(width) * height * channels)};
}

// Returns a view of the image, which must outlive it.
cv::Mat AsMat(const Image& image) {
  return cv::Mat(image.height, image.width, CV_8UC(image.channels), const_cast<uint8_t*>(image.pixels.data()));
}

Image Crop(const Image& image, int x, int y, int width, int height) {
  Image result = Blank(width, height, image.channels);
  cv::Mat out = AsMat(result);
  AsMat(image)(cv::Rect(x, y, width, height)).copyTo(out);
  return result;
}

Image CropCenter(const Image& image, int width, int height) {
  return Crop(image, (image.width - width) / 2, (image.height - height) / 2, width, height);
}

Image ResizeOnce(const Image& image, int width, int height, int interpolation) {
  Image result = Blank(width, height, image.channels);
  cv::Mat out = AsMat(result);
  cv::resize(AsMat(image), out, out.size(), 0, 0, interpolation);
  return result;
}

// Shrinks by area, which does not alias, then enlarges linearly. An image may need to shrink along one side and grow along the
// other.
Image Resize(Image image, int width, int height) {
  const int shrunk_width = std::min(width, image.width);
  const int shrunk_height = std::min(height, image.height);
  if (shrunk_width != image.width || shrunk_height != image.height) {
    image = ResizeOnce(image, shrunk_width, shrunk_height, cv::INTER_AREA);
  }
  if (width != image.width || height != image.height) {
    image = ResizeOnce(image, width, height, cv::INTER_LINEAR);
  }
  return image;
}

// Returns length * numerator / denominator, rounded to nearest, but at least 1.
int Scaled(int length, int numerator, int denominator) {
  const int64_t scaled = (int64_t{length} * numerator + denominator / 2) / denominator;
  return static_cast<int>(std::max<int64_t>(scaled, 1));
}

Image ResizeShortSide(Image image, int side) {
  const int short_side = std::min(image.width, image.height);
  const int longest = short_side * kMaxAspectRatio;
  if (std::max(image.width, image.height) > longest) {
    image = CropCenter(image, std::min(image.width, longest), std::min(image.height, longest));
  }
  const int width = Scaled(image.width, side, short_side);
  const int height = Scaled(image.height, side, short_side);
  return Resize(std::move(image), width, height);
}

Image ResizeFit(Image image, int side) {
  const int long_side = std::max(image.width, image.height);
  const int width = Scaled(image.width, side, long_side);
  const int height = Scaled(image.height, side, long_side);
  const Image inner = Resize(std::move(image), width, height);
  Image result = Blank(side, side, inner.channels);
  AsMat(inner).copyTo(AsMat(result)(cv::Rect((side - width) / 2, (side - height) / 2, width, height)));
  return result;
}

}  // namespace

absl::StatusOr<Preprocessor> Preprocessor::Create(const Preprocessing& config) {
  SEMBLANCE_RETURN_IF_ERROR(ValidatePreprocessing(config));
  return Preprocessor(config);
}

absl::StatusOr<Image> Preprocessor::DecodeAndResize(absl::string_view encoded, const DecodeLimits& limits,
                                                    const DecodeCheck& check) const {
  const int side = config_.resize_side();
  SEMBLANCE_ASSIGN_OR_RETURN(Image image, DecodeImage(encoded, limits, config_.channels(), side, check));
  switch (config_.resize()) {
    case Preprocessing::RESIZE_SHORT_SIDE:
      return ResizeShortSide(std::move(image), side);
    case Preprocessing::RESIZE_FIT:
      return ResizeFit(std::move(image), side);
    default:
      return Resize(std::move(image), side, side);
  }
}

Image Preprocessor::CenterCrop(const Image& resized) const {
  const int side = config_.crop_side();
  CHECK(resized.width >= side && resized.height >= side) << resized.width << " x " << resized.height << ", crop " << side;
  return CropCenter(resized, side, side);
}

absl::StatusOr<Image> Preprocessor::DecodeAndPreprocess(absl::string_view encoded, const DecodeLimits& limits,
                                                        const DecodeCheck& check) const {
  SEMBLANCE_ASSIGN_OR_RETURN(Image resized, DecodeAndResize(encoded, limits, check));
  if (resized.width == config_.crop_side() && resized.height == config_.crop_side()) {
    return resized;
  }
  return CenterCrop(resized);
}

}  // namespace semblance::embedder
