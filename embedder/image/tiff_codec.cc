// Decodes the first page of a TIFF with libtiff. A TIFF may hold nearly anything, so only what scanners and editors write is taken:
// each compression here needs work that its output bounds, and libtiff decodes it without another library's limits.
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/image/codecs.h"
#include "embedder/image/decode_watch.h"

namespace semblance::embedder {
namespace {

// Limit of the unpacked bytes of a strip or tile, which libtiff holds in memory as a whole.
constexpr tmsize_t kMaxStripBytes = 64 << 20;
// Gray or RGB, and what else a pixel has: transparency, or the fourth color of ink.
constexpr int kMaxSamples = 5;
// Rows that are decoded at once, where a strip is shorter.
constexpr uint32_t kRowsAtOnce = 64;

bool IsSupportedCompression(uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_LZW:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
      return true;
    default:
      return false;
  }
}

// A file in memory, as libtiff reads it. libtiff maps it, so the callbacks for reading are hardly used.
class MemoryFile {
 public:
  explicit MemoryFile(absl::string_view bytes) : bytes_(bytes) {}

  TIFF* Open(TIFFOpenOptions* options) {
    return TIFFClientOpenExt("image", "r", this, &Read, &Write, &Seek, &Close, &Size, &Map, &Unmap, options);
  }

 private:
  static MemoryFile* Self(thandle_t handle) { return static_cast<MemoryFile*>(handle); }

  static tmsize_t Read(thandle_t handle, void* out, tmsize_t size) {
    MemoryFile& file = *Self(handle);
    const size_t at = std::min<size_t>(file.at_, file.bytes_.size());
    const size_t count = std::min(file.bytes_.size() - at, static_cast<size_t>(std::max<tmsize_t>(size, 0)));
    std::memcpy(out, file.bytes_.data() + at, count);
    file.at_ = at + count;
    return static_cast<tmsize_t>(count);
  }
  static tmsize_t Write(thandle_t, void*, tmsize_t) { return -1; }
  static toff_t Seek(thandle_t handle, toff_t offset, int whence) {
    MemoryFile& file = *Self(handle);
    file.at_ = offset + (whence == SEEK_CUR ? file.at_ : whence == SEEK_END ? file.bytes_.size() : 0);
    return file.at_;
  }
  static int Close(thandle_t) { return 0; }
  static toff_t Size(thandle_t handle) { return Self(handle)->bytes_.size(); }
  static int Map(thandle_t handle, void** base, toff_t* size) {
    *base = const_cast<char*>(Self(handle)->bytes_.data());
    *size = Self(handle)->bytes_.size();
    return 1;
  }
  static void Unmap(thandle_t, void*, toff_t) {}

  const absl::string_view bytes_;
  toff_t at_ = 0;
};

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

// The converter of libtiff from any kind of pixel to red, green, blue and alpha. Its end is tied to its scope.
class RgbaConverter {
 public:
  ~RgbaConverter() {
    if (begun_) {
      TIFFRGBAImageEnd(&image_);
    }
  }

  // Returns false on an error. Rows come as they are stored: the orientation is applied later, as for all formats.
  bool Begin(TIFF* tiff) {
    std::array<char, 1024> message = {};
    begun_ = TIFFRGBAImageBegin(&image_, tiff, /*stop=*/1, message.data()) != 0;
    image_.req_orientation = image_.orientation;
    return begun_;
  }

  bool Read(uint32_t row, uint32_t rows, uint32_t* raster) {
    image_.row_offset = static_cast<int>(row);
    return TIFFRGBAImageGet(&image_, raster, image_.width, rows) != 0;
  }

 private:
  TIFFRGBAImage image_ = {};
  bool begun_ = false;
};

// libtiff gives colors that are multiplied with alpha, so that white remains to be added.
void PutOverWhite(uint32_t abgr, uint8_t* out) {
  const uint32_t white = 255 - TIFFGetA(abgr);
  out[0] = static_cast<uint8_t>(std::min<uint32_t>(TIFFGetR(abgr) + white, 255));
  out[1] = static_cast<uint8_t>(std::min<uint32_t>(TIFFGetG(abgr) + white, 255));
  out[2] = static_cast<uint8_t>(std::min<uint32_t>(TIFFGetB(abgr) + white, 255));
}

class TiffReader {
 public:
  explicit TiffReader(absl::string_view bytes) : bytes_(bytes), file_(bytes) {}
  TiffReader(const TiffReader&) = delete;
  TiffReader& operator=(const TiffReader&) = delete;

  // Reads the first directory, and checks what it says about the pixels.
  absl::Status ReadHeader() {
    const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxStripBytes);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &TiffReader::OnError, this);
    TIFFOpenOptionsSetWarningHandlerExtR(
        options.get(), [](TIFF*, void*, const char*, const char*, va_list) { return 1; }, nullptr);
    tiff_.reset(file_.Open(options.get()));
    if (tiff_ == nullptr) {
      return Failed();
    }
    if (!ReadTag(TIFFTAG_IMAGEWIDTH, width_) || !ReadTag(TIFFTAG_IMAGELENGTH, height_) || width_ < 1 || height_ < 1 ||
        width_ > INT32_MAX || height_ > INT32_MAX) {
      return DecodeFailed("TIFF", "a side is missing, 0 or above 2^31 - 1");
    }
    return CheckKind();
  }

  int width() const { return static_cast<int>(width_); }
  int height() const { return static_cast<int>(height_); }

  absl::StatusOr<Image> ReadPixels(const DecodeCheck& check) {
    SEMBLANCE_RETURN_IF_ERROR(CheckWork());
    const uint32_t part = RowsOfPart();
    const size_t width = width_;
    std::vector<uint32_t> raster(width * std::min(part, height_));
    Image image = {this->width(), this->height(), 3, std::vector<uint8_t>(width * height_ * 3)};
    RgbaConverter converter;
    if (!converter.Begin(tiff_.get())) {
      return Failed();
    }
    DecodeWatch watch(check);
    for (uint32_t row = 0; row < height_; row += std::min(part, height_ - row)) {
      const uint32_t rows = std::min(part, height_ - row);
      SEMBLANCE_RETURN_IF_ERROR(watch.OnPixels(int64_t{rows} * width_));
      // An error that libtiff reports and then ignores would leave a part of the picture white.
      if (!converter.Read(row, rows, raster.data()) || failed_) {
        return Failed();
      }
      uint8_t* out = image.pixels.data() + size_t{row} * width * 3;
      for (size_t i = 0; i < size_t{rows} * width; ++i, out += 3) {
        PutOverWhite(raster[i], out);
      }
    }
    return image;
  }

 private:
  static int OnError(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    auto& reader = *static_cast<TiffReader*>(self);
    if (!reader.failed_) {
      reader.failed_ = true;
      std::vsnprintf(reader.message_.data(), reader.message_.size(), format, arguments);
    }
    return 1;
  }

  absl::Status Failed() const { return DecodeFailed("TIFF", failed_ ? message_.data() : "libtiff cannot convert it to RGB"); }

  template <typename Value>
  bool ReadTag(uint32_t tag, Value& value) const {
    return TIFFGetFieldDefaulted(tiff_.get(), tag, &value) == 1;
  }

  absl::Status CheckKind() const {
    uint16_t compression = COMPRESSION_NONE;
    ReadTag(TIFFTAG_COMPRESSION, compression);
    if (!IsSupportedCompression(compression)) {
      return UnsupportedImage(absl::StrCat(
          "the TIFF has compression ", compression,
          "; supported are none (1), fax (2, 3, 4), LZW (5), Deflate (8, 32946) and PackBits (32773): convert it to PNG"));
    }
    uint16_t samples = 1;
    ReadTag(TIFFTAG_SAMPLESPERPIXEL, samples);
    std::array<char, 1024> message = {};
    if (samples > kMaxSamples) {
      return UnsupportedImage(absl::StrCat("the TIFF has ", samples, " samples per pixel; the limit is ", kMaxSamples));
    }
    if (TIFFRGBAImageOK(tiff_.get(), message.data()) == 0) {
      return UnsupportedImage(absl::StrCat("this kind of TIFF is not supported (", message.data(), "): convert it to PNG"));
    }
    return absl::OkStatus();
  }

  // Strips of an honest file share no bytes and are read once each.
  absl::Status CheckWork() const {
    const bool tiled = TIFFIsTiled(tiff_.get()) != 0;
    const uint64_t unpacked = tiled ? TIFFTileSize64(tiff_.get()) : TIFFStripSize64(tiff_.get());
    if (unpacked == 0 || unpacked > static_cast<uint64_t>(kMaxStripBytes)) {
      return DecodeFailed("TIFF", absl::StrCat("a strip or tile has ", unpacked, " bytes; the limit is ", kMaxStripBytes));
    }
    const uint32_t count = tiled ? TIFFNumberOfTiles(tiff_.get()) : TIFFNumberOfStrips(tiff_.get());
    const uint64_t* sizes = nullptr;
    if (TIFFGetField(tiff_.get(), tiled ? TIFFTAG_TILEBYTECOUNTS : TIFFTAG_STRIPBYTECOUNTS, &sizes) != 1 || sizes == nullptr) {
      return DecodeFailed("TIFF", "it does not say where its pixels are");
    }
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; ++i) {
      total += std::min<uint64_t>(sizes[i], bytes_.size());
    }
    if (total > bytes_.size()) {
      return DecodeFailed("TIFF", absl::StrCat("its strips have ", total, " bytes, and the file has ", bytes_.size()));
    }
    return absl::OkStatus();
  }

  // A multiple of the rows of a strip or tile, because libtiff unpacks these as a whole.
  uint32_t RowsOfPart() const {
    uint32_t rows = 0;
    if (!ReadTag(TIFFIsTiled(tiff_.get()) != 0 ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, rows) || rows == 0) {
      return height_;
    }
    return rows >= kRowsAtOnce ? rows : rows * (kRowsAtOnce / rows);
  }

  const absl::string_view bytes_;
  MemoryFile file_;
  bool failed_ = false;
  std::array<char, 300> message_ = {};
  uint32_t width_ = 0;
  uint32_t height_ = 0;
  // Is closed first.
  std::unique_ptr<TIFF, CloseTiff> tiff_;
};

}  // namespace

absl::StatusOr<ImageHeader> ReadTiffHeader(absl::string_view bytes) {
  TiffReader reader(bytes);
  SEMBLANCE_RETURN_IF_ERROR(reader.ReadHeader());
  return ImageHeader{ImageFormat::kTiff, reader.width(), reader.height()};
}

absl::StatusOr<Image> DecodeTiff(absl::string_view bytes, const DecodeCheck& check) {
  TiffReader reader(bytes);
  SEMBLANCE_RETURN_IF_ERROR(reader.ReadHeader());
  return reader.ReadPixels(check);
}

}  // namespace semblance::embedder
