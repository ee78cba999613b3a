// Decodes the first frame of a GIF with giflib.
#include <gif_lib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/image/codecs.h"
#include "embedder/image/decode_watch.h"

namespace semblance::embedder {
namespace {

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

absl::Status GifFailed(int error) {
  const char* const text = GifErrorString(error);
  return DecodeFailed("GIF", text == nullptr ? absl::StrCat("giflib's error ", error) : absl::StrCat("giflib: ", text));
}

// Reads a GIF up to the pixels of its first frame, and then its pixels.
class GifReader {
 public:
  explicit GifReader(absl::string_view bytes) : rest_(bytes) {}

  // Reads everything before the pixels. Of the extensions, which hold text, delays and whatever programs put there, only the
  // transparent color counts.
  absl::Status ReadHeader() {
    int error = 0;
    gif_.reset(DGifOpen(this, &GifReader::Read, &error));
    if (gif_ == nullptr) {
      return GifFailed(error);
    }
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    do {
      if (DGifGetRecordType(gif_.get(), &record) == GIF_ERROR) {
        return GifFailed(gif_->Error);
      }
      if (record == EXTENSION_RECORD_TYPE) {
        SEMBLANCE_RETURN_IF_ERROR(ReadExtension());
      } else if (record == TERMINATE_RECORD_TYPE) {
        return DecodeFailed("GIF", "it has no frame");
      }
    } while (record != IMAGE_DESC_RECORD_TYPE);
    if (DGifGetImageDesc(gif_.get()) == GIF_ERROR) {
      return GifFailed(gif_->Error);
    }
    return CheckFrame();
  }

  // The size of the screen, which some programs set too small for the frame.
  int width() const { return std::max(gif_->SWidth, frame().Left + frame().Width); }
  int height() const { return std::max(gif_->SHeight, frame().Top + frame().Height); }

  // Gives 4 channels. What the frame leaves free is transparent.
  absl::StatusOr<Image> ReadPixels(const DecodeCheck& check) {
    Image image = {width(), height(), 4, std::vector<uint8_t>(static_cast<size_t>(width()) * static_cast<size_t>(height()) * 4)};
    std::vector<GifPixelType> row(static_cast<size_t>(frame().Width));
    DecodeWatch watch(check);
    // The rows of an interlaced frame come in four passes.
    struct Pass {
      int first, step;
    };
    static constexpr Pass kInterlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
    static constexpr Pass kPlain[] = {{0, 1}};
    const absl::Span<const Pass> passes = frame().Interlace ? absl::MakeConstSpan(kInterlaced) : absl::MakeConstSpan(kPlain);
    for (const Pass& pass : passes) {
      for (int y = pass.first; y < frame().Height; y += pass.step) {
        if (DGifGetLine(gif_.get(), row.data(), frame().Width) == GIF_ERROR) {
          return GifFailed(gif_->Error);
        }
        SEMBLANCE_RETURN_IF_ERROR(watch.OnPixels(frame().Width));
        SEMBLANCE_RETURN_IF_ERROR(ColorRow(row, y, image));
      }
    }
    return image;
  }

 private:
  // giflib's callback.
  static int Read(GifFileType* gif, GifByteType* out, int size) {
    absl::string_view& rest = static_cast<GifReader*>(gif->UserData)->rest_;
    const size_t count = std::min(rest.size(), static_cast<size_t>(std::max(size, 0)));
    std::memcpy(out, rest.data(), count);
    rest.remove_prefix(count);
    return static_cast<int>(count);
  }

  const GifImageDesc& frame() const { return gif_->Image; }

  absl::Status ReadExtension() {
    int code = 0;
    GifByteType* block = nullptr;
    int status = DGifGetExtension(gif_.get(), &code, &block);
    while (status != GIF_ERROR && block != nullptr) {
      // The first byte of a block is the number of the others.
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) != GIF_ERROR) {
        transparent_ = control.TransparentColor;
      }
      status = DGifGetExtensionNext(gif_.get(), &block);
    }
    return status == GIF_ERROR ? GifFailed(gif_->Error) : absl::OkStatus();
  }

  absl::Status CheckFrame() const {
    if (frame().Width < 1 || frame().Height < 1 || frame().Left < 0 || frame().Top < 0) {
      return DecodeFailed("GIF", absl::StrCat("the first frame has ", frame().Width, " x ", frame().Height, " pixels"));
    }
    if (colors() == nullptr) {
      return DecodeFailed("GIF", "it has no table of colors");
    }
    return absl::OkStatus();
  }

  const ColorMapObject* colors() const { return frame().ColorMap != nullptr ? frame().ColorMap : gif_->SColorMap; }

  absl::Status ColorRow(const std::vector<GifPixelType>& row, int y, Image& image) const {
    const size_t at = static_cast<size_t>(frame().Top + y) * static_cast<size_t>(image.width) + static_cast<size_t>(frame().Left);
    uint8_t* out = image.pixels.data() + at * 4;
    for (const int index : row) {
      if (index >= colors()->ColorCount && index != transparent_) {
        return DecodeFailed("GIF", absl::StrCat("a pixel has color ", index, " of ", colors()->ColorCount));
      }
      if (index != transparent_) {
        const GifColorType& color = colors()->Colors[index];
        out[0] = color.Red;
        out[1] = color.Green;
        out[2] = color.Blue;
        out[3] = 255;
      }
      out += 4;
    }
    return absl::OkStatus();
  }

  absl::string_view rest_;
  std::unique_ptr<GifFileType, CloseGif> gif_;
  int transparent_ = NO_TRANSPARENT_COLOR;
};

}  // namespace

absl::StatusOr<ImageHeader> ReadGifHeader(absl::string_view bytes) {
  GifReader reader(bytes);
  SEMBLANCE_RETURN_IF_ERROR(reader.ReadHeader());
  return ImageHeader{ImageFormat::kGif, reader.width(), reader.height()};
}

absl::StatusOr<Image> DecodeGif(absl::string_view bytes, const DecodeCheck& check) {
  GifReader reader(bytes);
  SEMBLANCE_RETURN_IF_ERROR(reader.ReadHeader());
  return reader.ReadPixels(check);
}

}  // namespace semblance::embedder
