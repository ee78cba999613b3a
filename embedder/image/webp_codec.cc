// Decodes WebP with libwebp.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/image/codecs.h"

namespace semblance::embedder {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

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

// REQUIRES: not animated.
absl::StatusOr<Image> DecodeStill(absl::string_view bytes, const WebPBitstreamFeatures& features) {
  const int channels = features.has_alpha != 0 ? 4 : 3;
  const size_t stride = static_cast<size_t>(features.width) * static_cast<size_t>(channels);
  Image image = {features.width, features.height, channels, std::vector<uint8_t>(stride * static_cast<size_t>(features.height))};
  const auto decode = channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(Data(bytes), bytes.size(), image.pixels.data(), image.pixels.size(), static_cast<int>(stride)) == nullptr) {
    return DecodeFailed("WebP", "truncated or corrupt");
  }
  return image;
}

// The first frame may cover a part of the canvas only; the rest is transparent.
absl::StatusOr<Image> DecodeFirstFrame(absl::string_view bytes, const WebPBitstreamFeatures& canvas) {
  const WebPData data = {Data(bytes), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemux(&data));
  WebPIterator frame = {};
  // The iterator owns nothing: its fragment lies in `bytes`.
  if (demuxer == nullptr || WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) {
    return DecodeFailed("WebP", "the animation is truncated or corrupt");
  }
  const absl::string_view fragment(reinterpret_cast<const char*>(frame.fragment.bytes), frame.fragment.size);
  SEMBLANCE_ASSIGN_OR_RETURN(const WebPBitstreamFeatures features, ReadFeatures(fragment));
  const bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && features.width <= canvas.width - frame.x_offset &&
                      features.height <= canvas.height - frame.y_offset;
  if (!inside || features.has_animation != 0) {
    return DecodeFailed("WebP", "the first frame is not inside of the picture");
  }
  const size_t stride = static_cast<size_t>(canvas.width) * 4;
  Image image = {canvas.width, canvas.height, 4, std::vector<uint8_t>(stride * static_cast<size_t>(canvas.height))};
  const size_t begin = static_cast<size_t>(frame.y_offset) * stride + static_cast<size_t>(frame.x_offset) * 4;
  if (WebPDecodeRGBAInto(Data(fragment), fragment.size(), image.pixels.data() + begin, image.pixels.size() - begin,
                         static_cast<int>(stride)) == nullptr) {
    return DecodeFailed("WebP", "the first frame is truncated or corrupt");
  }
  return image;
}

}  // namespace

absl::StatusOr<ImageHeader> ReadWebpHeader(absl::string_view bytes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const WebPBitstreamFeatures features, ReadFeatures(bytes));
  return ImageHeader{ImageFormat::kWebp, features.width, features.height};
}

absl::StatusOr<Image> DecodeWebp(absl::string_view bytes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const WebPBitstreamFeatures features, ReadFeatures(bytes));
  return features.has_animation != 0 ? DecodeFirstFrame(bytes, features) : DecodeStill(bytes, features);
}

}  // namespace semblance::embedder
