// Decodes PNG with libpng.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "embedder/image/codecs.h"

namespace semblance::embedder {
namespace {

constexpr size_t kHeaderBytes = 24;  // Signature (8), chunk length (4), "IHDR" (4), width (4), height (4).
// Limit of the unpacked bytes of one chunk of text or color profile. None of them is used.
constexpr png_alloc_size_t kMaxChunkBytes = 1 << 20;

// Owns a libpng reader. libpng reports errors by longjmp, so calls go through Guarded, and nothing with a destructor lives in the
// functions that it jumps over.
class PngReader {
 public:
  explicit PngReader(absl::string_view bytes)
      : rest_(bytes),
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
    const size_t stride = png_get_rowbytes(png_, info_);
    image_.pixels.resize(stride * static_cast<size_t>(image_.height));
    for (int y = 0; y < image_.height; ++y) {
      rows_.push_back(image_.pixels.data() + static_cast<size_t>(y) * stride);
    }
    SEMBLANCE_RETURN_IF_ERROR(Guarded(+[](PngReader* self) {
      png_read_image(self->png_, self->rows_.data());
      png_read_end(self->png_, nullptr);
    }));
    return std::move(image_);
  }

 private:
  static PngReader* Self(png_voidp self) { return static_cast<PngReader*>(self); }

  absl::Status Guarded(void (*step)(PngReader*)) {
    if (setjmp(jump_) != 0) {
      return DecodeFailed("PNG", message_.data());
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
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_read_info(png_, info_);
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  void Read(png_bytep out, size_t size) {
    if (size > rest_.size()) {
      Fail("the file ends early");
    }
    std::memcpy(out, rest_.data(), size);
    rest_.remove_prefix(size);
  }

  absl::string_view rest_;
  std::jmp_buf jump_ = {};
  std::array<char, 200> message_ = {};
  png_structp png_;
  png_infop info_;
  Image image_;
  std::vector<png_bytep> rows_;
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

absl::StatusOr<Image> DecodePng(absl::string_view bytes) {
  return PngReader(bytes).ReadAll();
}

}  // namespace semblance::embedder
