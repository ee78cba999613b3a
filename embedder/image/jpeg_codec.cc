// Decodes JPEG with libjpeg-turbo. Its warnings count as errors, because it fills missing parts with gray, which would be embedded.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// The header needs FILE and size_t, so it comes after <cstdio>.
#include <jerror.h>
#include <jpeglib.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "common/status_macros.h"
#include "embedder/image/codecs.h"
#include "embedder/image/decode_watch.h"
#include "embedder/image/pixel_math.h"

namespace semblance::embedder {
namespace {

// A progressive file may hold any number of scans, and each costs a pass over the whole image. Encoders write about ten; those that
// try many ways, such as mozjpeg, end with fewer than twenty.
constexpr int kMaxScans = 32;

// Returns true for warnings about oddities that real cameras and editors cause, and that leave the pixels intact.
bool IsHarmless(int warning) {
  switch (warning) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    // Some phones end the spectrum of their only scan at 0. A sequential scan has all coefficients whatever it says.
    case JWRN_NOT_SEQUENTIAL:
      return true;
    default:
      return false;
  }
}

// Owns a decompressor. libjpeg reports errors by longjmp, so calls go through Guarded, and nothing with a destructor lives in the
// functions that it jumps over.
class JpegReader {
 public:
  // `check` must outlive the reader.
  JpegReader(absl::string_view bytes, const DecodeCheck& check) : bytes_(bytes), watch_(check) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { Self(info)->Fail(); };
    errors_.emit_message = [](j_common_ptr info, int level) { Self(info)->OnMessage(level); };
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = [](j_common_ptr info) { Self(info)->OnProgress(); };
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  // Reads everything before the pixels.
  absl::Status ReadHeader() {
    return Guarded(+[](JpegReader* self) {
      jpeg_create_decompress(&self->info_);
      self->info_.progress = &self->progress_;
      jpeg_mem_src(&self->info_, reinterpret_cast<const unsigned char*>(self->bytes_.data()), self->bytes_.size());
      jpeg_read_header(&self->info_, TRUE);
    });
  }

  // Reads all pixels, in the color space that was asked for, or in CMYK.
  absl::StatusOr<Image> ReadPixels(int channels, int scale) {
    const bool cmyk = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = cmyk ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    info_.scale_num = 1;
    info_.scale_denom = static_cast<unsigned>(scale);
    SEMBLANCE_RETURN_IF_ERROR(Guarded(+[](JpegReader* self) { jpeg_start_decompress(&self->info_); }));
    image_.width = static_cast<int>(info_.output_width);
    image_.height = static_cast<int>(info_.output_height);
    image_.channels = info_.output_components;
    image_.pixels.resize(size_t{info_.output_width} * info_.output_height * static_cast<size_t>(info_.output_components));
    SEMBLANCE_RETURN_IF_ERROR(Guarded(+[](JpegReader* self) {
      self->ReadRows();
      jpeg_finish_decompress(&self->info_);
    }));
    return std::move(image_);
  }

  const jpeg_decompress_struct& info() const { return info_; }

 private:
  static JpegReader* Self(j_common_ptr info) { return static_cast<JpegReader*>(info->client_data); }

  absl::Status Guarded(void (*step)(JpegReader*)) {
    if (setjmp(jump_) != 0) {
      return stopped_.ok() ? DecodeFailed("JPEG", message_.data()) : stopped_;
    }
    step(this);
    return absl::OkStatus();
  }

  [[noreturn]] void Fail() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), message_.data());
    std::longjmp(jump_, 1);
  }

  void OnMessage(int level) {
    if (level < 0 && !IsHarmless(errors_.msg_code)) {
      Fail();
    }
  }

  // libjpeg calls this for each row of blocks of a scan that it stores, and for each row of pixels that it gives out.
  void OnProgress() {
    if (info_.input_scan_number > kMaxScans) {
      std::snprintf(message_.data(), message_.size(), "more than %d scans", kMaxScans);
      std::longjmp(jump_, 1);
    }
    stopped_ = watch_.OnPixels(int64_t{info_.image_width} * DCTSIZE);
    if (!stopped_.ok()) {
      std::longjmp(jump_, 1);
    }
  }

  void ReadRows() {
    const size_t stride = static_cast<size_t>(image_.width) * static_cast<size_t>(image_.channels);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = image_.pixels.data() + info_.output_scanline * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
  }

  const absl::string_view bytes_;
  DecodeWatch watch_;
  // The error with which the check ended the decoding.
  absl::Status stopped_;
  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf jump_ = {};
  std::array<char, JMSG_LENGTH_MAX> message_ = {};
  Image image_;
};

// Converts ink to light. Programs by Adobe store ink inverted, and write a marker by which they are recognized.
Image CmykToRgb(const Image& cmyk, bool inverted) {
  Image rgb = {cmyk.width, cmyk.height, 3, std::vector<uint8_t>(cmyk.pixels.size() / 4 * 3)};
  const uint8_t flip = inverted ? 0 : 255;
  for (size_t from = 0, to = 0; from < cmyk.pixels.size(); from += 4, to += 3) {
    const uint8_t key = cmyk.pixels[from + 3] ^ flip;
    for (size_t c = 0; c < 3; ++c) {
      rgb.pixels[to + c] = DivideBy255((cmyk.pixels[from + c] ^ flip) * key);
    }
  }
  return rgb;
}

}  // namespace

absl::StatusOr<ImageHeader> ReadJpegHeader(absl::string_view bytes) {
  const DecodeCheck no_check;
  JpegReader reader(bytes, no_check);
  SEMBLANCE_RETURN_IF_ERROR(reader.ReadHeader());
  return ImageHeader{ImageFormat::kJpeg, static_cast<int>(reader.info().image_width), static_cast<int>(reader.info().image_height)};
}

absl::StatusOr<Image> DecodeJpeg(absl::string_view bytes, int channels, int scale, const DecodeCheck& check) {
  JpegReader reader(bytes, check);
  SEMBLANCE_RETURN_IF_ERROR(reader.ReadHeader());
  SEMBLANCE_ASSIGN_OR_RETURN(Image image, reader.ReadPixels(channels, scale));
  return image.channels == 4 ? CmykToRgb(image, reader.info().saw_Adobe_marker != 0) : std::move(image);
}

}  // namespace semblance::embedder
