#include "embedder/image/decode.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "embedder/image/codecs.h"
#include "embedder/image/image_format.h"
#include "embedder/image/metadata.h"
#include "embedder/image/orientation.h"
#include "embedder/image/pixel_math.h"

namespace semblance::embedder {
namespace {

absl::Status Refuse(v1::ErrorReason reason, absl::string_view message) {
  return InvalidField("image", reason, message);
}

absl::Status CheckBytes(absl::string_view bytes, const DecodeLimits& limits) {
  if (bytes.empty()) {
    return Refuse(v1::ERROR_REASON_IMAGE_MISSING, "the image has no bytes");
  }
  if (static_cast<int64_t>(bytes.size()) > limits.max_bytes) {
    return Refuse(v1::ERROR_REASON_IMAGE_TOO_LARGE,
                  absl::StrCat("the image has ", bytes.size(), " bytes; the limit is ", limits.max_bytes));
  }
  return absl::OkStatus();
}

absl::Status CheckSize(const ImageHeader& header, const DecodeLimits& limits) {
  if (std::max(header.width, header.height) > limits.max_side) {
    return Refuse(v1::ERROR_REASON_IMAGE_TOO_LARGE, absl::StrCat("the image has ", header.width, " x ", header.height,
                                                                 " pixels; the limit of a side is ", limits.max_side));
  }
  const int64_t pixels = int64_t{header.width} * header.height;
  if (pixels > limits.max_pixels) {
    return Refuse(v1::ERROR_REASON_IMAGE_TOO_LARGE, absl::StrCat("the image has ", header.width, " x ", header.height, " = ",
                                                                 pixels, " pixels; the limit is ", limits.max_pixels));
  }
  return absl::OkStatus();
}

absl::StatusOr<ImageHeader> ReadHeader(absl::string_view bytes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const ImageFormat format, FormatOf(bytes));
  switch (format) {
    case ImageFormat::kJpeg:
      return ReadJpegHeader(bytes);
    case ImageFormat::kPng:
      return ReadPngHeader(bytes);
    case ImageFormat::kWebp:
      return ReadWebpHeader(bytes);
    case ImageFormat::kGif:
      return ReadGifHeader(bytes);
    case ImageFormat::kBmp:
      return ReadBmpHeader(bytes);
    case ImageFormat::kTiff:
      return ReadTiffHeader(bytes);
  }
  return absl::InternalError("unknown image format");
}

// Returns the strongest reduction that leaves at least `min_short_side` pixels on the short side.
int JpegScale(const ImageHeader& header, int min_short_side) {
  const int short_side = std::min(header.width, header.height);
  for (const int scale : {8, 4, 2}) {
    if (min_short_side > 0 && (short_side + scale - 1) / scale >= min_short_side) {
      return scale;
    }
  }
  return 1;
}

// The parameters of DecodeImage that only one codec uses.
struct Target {
  int channels = 0;
  int min_short_side = 0;
};

absl::StatusOr<Image> Decode(absl::string_view bytes, const ImageHeader& header, const Target& target, const DecodeCheck& check) {
  switch (header.format) {
    case ImageFormat::kJpeg:
      return DecodeJpeg(bytes, target.channels, JpegScale(header, target.min_short_side), check);
    case ImageFormat::kPng:
      return DecodePng(bytes, check);
    case ImageFormat::kWebp:
      return DecodeWebp(bytes);
    case ImageFormat::kGif:
      return DecodeGif(bytes, check);
    case ImageFormat::kBmp:
      return DecodeBmp(bytes, check);
    case ImageFormat::kTiff:
      return DecodeTiff(bytes, check);
  }
  return absl::InternalError("unknown image format");
}

void ConvertPixel(const uint8_t* in, int in_channels, uint8_t* out, int out_channels) {
  const bool gray = in_channels < 3;
  const int alpha = in_channels % 2 == 0 ? in[in_channels - 1] : 255;
  const uint8_t red = OverWhite(in[0], alpha);
  const uint8_t green = gray ? red : OverWhite(in[1], alpha);
  const uint8_t blue = gray ? red : OverWhite(in[2], alpha);
  if (out_channels == 1) {
    out[0] = gray ? red : Luma(red, green, blue);
    return;
  }
  out[0] = red;
  out[1] = green;
  out[2] = blue;
}

Image ToChannels(Image image, int channels) {
  if (image.channels == channels) {
    return image;
  }
  const size_t count = static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
  Image result = {image.width, image.height, channels, std::vector<uint8_t>(count * static_cast<size_t>(channels))};
  for (size_t i = 0; i < count; ++i) {
    ConvertPixel(image.pixels.data() + i * static_cast<size_t>(image.channels), image.channels,
                 result.pixels.data() + i * static_cast<size_t>(channels), channels);
  }
  return result;
}

}  // namespace

absl::Status DecodeFailed(absl::string_view format, absl::string_view detail) {
  return Refuse(v1::ERROR_REASON_IMAGE_DECODE_FAILED, absl::StrCat("the image does not decode: ", format, ": ", detail));
}

absl::Status UnsupportedImage(absl::string_view message) {
  return Refuse(v1::ERROR_REASON_UNSUPPORTED_MEDIA, message);
}

absl::StatusOr<ImageHeader> ReadImageHeader(absl::string_view bytes, const DecodeLimits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckBytes(bytes, limits));
  SEMBLANCE_ASSIGN_OR_RETURN(const ImageHeader header, ReadHeader(bytes));
  SEMBLANCE_RETURN_IF_ERROR(CheckSize(header, limits));
  return header;
}

absl::StatusOr<Image> DecodeImage(absl::string_view bytes, const DecodeLimits& limits, int channels, int min_short_side,
                                  const DecodeCheck& check) {
  SEMBLANCE_ASSIGN_OR_RETURN(const ImageHeader header, ReadImageHeader(bytes, limits));
  if (check != nullptr) {
    SEMBLANCE_RETURN_IF_ERROR(check());
  }
  const Target target = {.channels = channels, .min_short_side = min_short_side};
  SEMBLANCE_ASSIGN_OR_RETURN(Image image, Decode(bytes, header, target, check));
  return Upright(ToChannels(std::move(image), channels), OrientationOf(FindMetadata(header.format, bytes)));
}

}  // namespace semblance::embedder
