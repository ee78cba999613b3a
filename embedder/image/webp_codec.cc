// Decodes WebP with libwebp.
#include <webp/decode.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "embedder/image/codecs.h"

namespace semblance::embedder {
namespace {

const uint8_t* Data(absl::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

absl::StatusOr<WebPBitstreamFeatures> ReadFeatures(absl::string_view bytes) {
  WebPBitstreamFeatures features = {};
  const VP8StatusCode code = WebPGetFeatures(Data(bytes), bytes.size(), &features);
  if (code != VP8_STATUS_OK) {
    return DecodeFailed("WebP", absl::StrCat("bad header (libwebp's code ", code, ")"));
  }
  return features;
}

}  // namespace

absl::StatusOr<ImageHeader> ReadWebpHeader(absl::string_view bytes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const WebPBitstreamFeatures features, ReadFeatures(bytes));
  return ImageHeader{ImageFormat::kWebp, features.width, features.height};
}

absl::StatusOr<Image> DecodeWebp(absl::string_view bytes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const WebPBitstreamFeatures features, ReadFeatures(bytes));
  if (features.has_animation != 0) {
    return InvalidField("image", v1::ERROR_REASON_UNSUPPORTED_MEDIA, "an animated WebP is not one image: send a frame");
  }
  const int channels = features.has_alpha != 0 ? 4 : 3;
  const size_t stride = static_cast<size_t>(features.width) * static_cast<size_t>(channels);
  Image image = {features.width, features.height, channels, std::vector<uint8_t>(stride * static_cast<size_t>(features.height))};
  const auto decode = channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(Data(bytes), bytes.size(), image.pixels.data(), image.pixels.size(), static_cast<int>(stride)) == nullptr) {
    return DecodeFailed("WebP", "truncated or corrupt");
  }
  return image;
}

}  // namespace semblance::embedder
