#include "tests/testing/test_images.h"

#include <gif_lib.h>

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/logging.h"

namespace semblance::testing {
namespace {

embedder::Image BlankImage(int width, int height, int channels) {
  return {width, height, channels, std::vector<uint8_t>(static_cast<size_t>(width) * height * channels)};
}

// OpenCV's order of channels is blue, green, red.
cv::Mat ToMat(const embedder::Image& image) {
  const cv::Mat rgb(image.height, image.width, CV_8UC(image.channels), const_cast<uint8_t*>(image.pixels.data()));
  cv::Mat result;
  switch (image.channels) {
    case 1:
      return rgb.clone();
    case 2: {
      std::vector<cv::Mat> planes;
      cv::split(rgb, planes);
      cv::merge(std::vector<cv::Mat>{planes[0], planes[0], planes[0], planes[1]}, result);
      return result;
    }
    case 3:
      cv::cvtColor(rgb, result, cv::COLOR_RGB2BGR);
      return result;
    default:
      cv::cvtColor(rgb, result, cv::COLOR_RGBA2BGRA);
      return result;
  }
}

std::string Encode(const char* extension, const cv::Mat& mat, const std::vector<int>& parameters) {
  std::vector<uint8_t> bytes;
  CHECK(cv::imencode(extension, mat, bytes, parameters)) << extension;
  return std::string(bytes.begin(), bytes.end());
}

std::string Big16(uint32_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string Big32(uint32_t value) {
  return Big16(value >> 16) + Big16(value & 0xFFFF);
}
std::string Little16(uint32_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8)};
}
std::string Little32(uint32_t value) {
  return Little16(value & 0xFFFF) + Little16(value >> 16);
}

std::string Bytes(std::initializer_list<int> values) {
  return std::string(values.begin(), values.end());
}

// The CRC of PNG chunks (ISO 3309).
uint32_t Crc32(absl::string_view data) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : data) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
    }
  }
  return ~crc;
}

}  // namespace

embedder::Image SmoothImage(int width, int height, int channels, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  embedder::Image image = BlankImage(width, height, channels);
  for (int c = 0; c < channels; ++c) {
    const double phase_x = 6.28 * uniform(random);
    const double phase_y = 6.28 * uniform(random);
    const double frequency = 3 + 4 * uniform(random);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double u = (x + 0.5) / width;
        const double v = (y + 0.5) / height;
        const double wave = 50 * std::sin(frequency * u + phase_x) + 40 * std::cos(frequency * v + phase_y) + 30 * (u - v);
        image.pixels[(static_cast<size_t>(y) * width + x) * channels + c] = static_cast<uint8_t>(std::lround(127 + wave));
      }
    }
  }
  return image;
}

embedder::Image NoiseImage(int width, int height, int channels, uint32_t seed) {
  std::mt19937 random(seed);
  embedder::Image image = BlankImage(width, height, channels);
  for (uint8_t& value : image.pixels) {
    value = static_cast<uint8_t>(random() >> 24);
  }
  return image;
}

embedder::Image SolidImage(int width, int height, int channels, uint8_t value) {
  embedder::Image image = BlankImage(width, height, channels);
  image.pixels.assign(image.pixels.size(), value);
  return image;
}

std::string EncodeJpeg(const embedder::Image& image, int quality) {
  return Encode(".jpg", ToMat(image), {cv::IMWRITE_JPEG_QUALITY, quality});
}

std::string EncodeProgressiveJpeg(const embedder::Image& image, int quality) {
  return Encode(".jpg", ToMat(image), {cv::IMWRITE_JPEG_QUALITY, quality, cv::IMWRITE_JPEG_PROGRESSIVE, 1});
}

std::string EncodePng(const embedder::Image& image) {
  return Encode(".png", ToMat(image), {});
}

std::string EncodePng16(const embedder::Image& image) {
  cv::Mat wide;
  ToMat(image).convertTo(wide, CV_16U, 257);
  return Encode(".png", wide, {});
}

std::string EncodeWebp(const embedder::Image& image, int quality) {
  return Encode(".webp", ToMat(image), {cv::IMWRITE_WEBP_QUALITY, quality});
}

std::string EncodeBmp(const embedder::Image& image) {
  return Encode(".bmp", ToMat(image), {});
}

std::string EncodeTiff(const embedder::Image& image) {
  return Encode(".tiff", ToMat(image), {});
}

std::string EncodeGif(const embedder::Image& image) {
  CHECK_EQ(image.channels, 1);
  std::string bytes;
  const auto write = [](GifFileType* gif, const GifByteType* data, int size) {
    static_cast<std::string*>(gif->UserData)->append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    return size;
  };
  GifFileType* const gif = EGifOpen(&bytes, write, nullptr);
  std::vector<GifColorType> grays(256);
  for (size_t i = 0; i < grays.size(); ++i) {
    grays[i].Red = grays[i].Green = grays[i].Blue = static_cast<GifByteType>(i);
  }
  ColorMapObject* const colors = GifMakeMapObject(256, grays.data());
  CHECK_EQ(EGifPutScreenDesc(gif, image.width, image.height, 8, 0, colors), GIF_OK);
  CHECK_EQ(EGifPutImageDesc(gif, 0, 0, image.width, image.height, /*GifInterlace=*/false, nullptr), GIF_OK);
  std::vector<GifPixelType> pixels = image.pixels;
  for (int y = 0; y < image.height; ++y) {
    CHECK_EQ(EGifPutLine(gif, pixels.data() + static_cast<size_t>(y) * image.width, image.width), GIF_OK);
  }
  EGifCloseFile(gif, nullptr);
  GifFreeMapObject(colors);
  return bytes;
}

std::string PngChunk(absl::string_view type, absl::string_view payload) {
  const std::string checked = absl::StrCat(type, payload);
  return absl::StrCat(Big32(static_cast<uint32_t>(payload.size())), checked, Big32(Crc32(checked)));
}

std::string WithPngChunks(absl::string_view png, absl::string_view chunks) {
  const size_t pixels = png.find("IDAT") - 4;
  return absl::StrCat(png.substr(0, pixels), chunks, png.substr(pixels));
}

std::string WithExifOrientation(absl::string_view jpeg, int orientation, bool big_endian) {
  const auto u16 = big_endian ? Big16 : Little16;
  const auto u32 = big_endian ? Big32 : Little32;
  // The bytes are the header, and at offset 8 a directory with one entry: tag 0x0112, type SHORT, count 1, and the value
  // left-aligned in 4 bytes. There is no next directory.
  const std::string tiff = absl::StrCat(big_endian ? "MM" : "II", u16(42), u32(8), u16(1), u16(0x0112), u16(3), u32(1)) +
                           u16(static_cast<uint32_t>(orientation)) + u16(0) + u32(0);
  const std::string payload = std::string("Exif\0\0", 6) + tiff;
  const std::string segment = Bytes({0xFF, 0xE1}) + Big16(static_cast<uint32_t>(payload.size() + 2)) + payload;
  return absl::StrCat(jpeg.substr(0, 2), segment, jpeg.substr(2));
}

std::string JpegOfClaimedSize(int width, int height) {
  std::string jpeg = EncodeJpeg(SolidImage(8, 8, 3, 100));
  // A start of frame has these parts: FF C0, length (2), precision (1), height (2), width (2).
  const size_t frame = jpeg.find(Bytes({0xFF, 0xC0}));
  CHECK_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, Big16(static_cast<uint32_t>(height)) + Big16(static_cast<uint32_t>(width)));
  return jpeg;
}

std::string PngOfClaimedSize(int width, int height) {
  const std::string header =
      absl::StrCat("IHDR", Big32(static_cast<uint32_t>(width)), Big32(static_cast<uint32_t>(height))) + Bytes({8, 2, 0, 0, 0});
  return absl::StrCat(Bytes({0x89}), "PNG\r\n", Bytes({0x1A}), "\n", Big32(13), header, Big32(Crc32(header)));
}

std::string WebpOfClaimedSize(int width, int height) {
  // An extended header has flags (4 bytes), then width - 1 and height - 1 in 24 bits each.
  const std::string canvas = Little32(0) + Little32(static_cast<uint32_t>(width - 1)).substr(0, 3) +
                             Little32(static_cast<uint32_t>(height - 1)).substr(0, 3);
  const std::string chunk = absl::StrCat("VP8X", Little32(10), canvas);
  return absl::StrCat("RIFF", Little32(static_cast<uint32_t>(chunk.size() + 4 + 4096)), "WEBP", chunk);
}

}  // namespace semblance::testing
