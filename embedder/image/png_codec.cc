// Decodes PNG with libpng.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/status_macros.h"
#include "embedder/image/codecs.h"
#include "embedder/image/decode_watch.h"

namespace semblance::embedder {
namespace {

constexpr size_t kHeaderBytes = 24;  // Signature (8), chunk length (4), "IHDR" (4), width (4), height (4).
// Limit of what may follow the last pixel among the compressed pixels. Each of its bytes can unpack to a thousand.
constexpr size_t kMaxSurplusBytes = 16 << 10;

// Owns a libpng reader. libpng reports errors by longjmp, so calls go through Guarded, and nothing with a destructor lives in the
// functions that it jumps over.
class PngReader {
 public:
  // `check` must outlive the reader.
  PngReader(absl::string_view bytes, const DecodeCheck& check)
      : rest_(bytes),
        watch_(check),
        png_(png_create_read_struct(
            PNG_LIBPNG_VER_STRING, this, [](png_structp png, const char* message) { Self(png_get_error_ptr(png))->Fail(message); },
            [](png_structp, const char*) {})),
        info_(png_ == nullptr ? nullptr : png_create_info_struct(png_)) {}
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  absl::StatusOr<Image> ReadAll() {
    if (info_ == nullptr) {
      return absl::ResourceExhaustedError("out of memory");
    }
    SEMBLANCE_RETURN_IF_ERROR(Guarded(+[](PngReader* self) { self->ReadInfo(); }));
    image_.width = static_cast<int>(png_get_image_width(png_, info_));
    image_.height = static_cast<int>(png_get_image_height(png_, info_));
    image_.channels = png_get_channels(png_, info_);
    image_.pixels.resize(png_get_rowbytes(png_, info_) * static_cast<size_t>(image_.height));
    SEMBLANCE_RETURN_IF_ERROR(Guarded(+[](PngReader* self) { self->ReadRows(); }));
    return std::move(image_);
  }

 private:
  static PngReader* Self(png_voidp self) { return static_cast<PngReader*>(self); }

  absl::Status Guarded(void (*step)(PngReader*)) {
    if (setjmp(jump_) != 0) {
      return stopped_.ok() ? DecodeFailed("PNG", message_.data()) : stopped_;
    }
    step(this);
    return absl::OkStatus();
  }

  [[noreturn]] void Fail(const char* message) {
    std::snprintf(message_.data(), message_.size(), "%s", message);
    std::longjmp(jump_, 1);
  }

  // Reads everything before the pixels, and asks for 8 bits per channel without a palette.
  void ReadInfo() {
    png_set_read_fn(png_, this, [](png_structp png, png_bytep out, size_t size) { Self(png_get_io_ptr(png))->Read(out, size); });
    // Skips all chunks but the header, the palette, its transparency and the pixels. Text and color profiles are compressed: a
    // small file could hold thousands of them that unpack to megabytes each.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
    png_set_expand(png_);
    png_set_scale_16(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  // After the last row libpng unpacks whatever else the chunks of pixels hold, and compares the checksum. What follows them is not
  // read, because nothing of it is used: many files lack it.
  void ReadRows() {
    const size_t stride = png_get_rowbytes(png_, info_);
    for (int pass = 0; pass < passes_; ++pass) {
      for (int y = 0; y < image_.height; ++y) {
        if (pass == passes_ - 1 && y == image_.height - 1) {
          // A row may be stored with 16 bits per channel.
          readable_ = 2 * stride + kMaxSurplusBytes;
        }
        png_read_row(png_, image_.pixels.data() + static_cast<size_t>(y) * stride, nullptr);
        stopped_ = watch_.OnPixels(image_.width);
        if (!stopped_.ok()) {
          std::longjmp(jump_, 1);
        }
      }
    }
  }

  void Read(png_bytep out, size_t size) {
    if (size > rest_.size()) {
      Fail("the file ends early");
    }
    if (size > readable_) {
      Fail("it holds more compressed data than it has pixels");
    }
    readable_ -= size;
    std::memcpy(out, rest_.data(), size);
    rest_.remove_prefix(size);
  }

  absl::string_view rest_;
  // The bytes that libpng may still read.
  size_t readable_ = SIZE_MAX;
  DecodeWatch watch_;
  // The error with which the check ended the decoding.
  absl::Status stopped_;
  std::jmp_buf jump_ = {};
  std::array<char, 200> message_ = {};
  png_structp png_;
  png_infop info_;
  int passes_ = 1;
  Image image_;
};

uint32_t ReadBigEndian32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

}  // namespace

absl::StatusOr<ImageHeader> ReadPngHeader(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(12, 4) != "IHDR") {
    return DecodeFailed("PNG", "no header chunk");
  }
  const uint32_t width = ReadBigEndian32(bytes.data() + 16);
  const uint32_t height = ReadBigEndian32(bytes.data() + 20);
  if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) {
    return DecodeFailed("PNG", "a side is 0 or above 2^31 - 1");
  }
  return ImageHeader{ImageFormat::kPng, static_cast<int>(width), static_cast<int>(height)};
}

absl::StatusOr<Image> DecodePng(absl::string_view bytes, const DecodeCheck& check) {
  return PngReader(bytes, check).ReadAll();
}

}  // namespace semblance::embedder
