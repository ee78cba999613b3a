// Decodes BMP, the format of Windows: a file header, a header of one of several lengths, a palette, and rows from the bottom up.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/image/byte_reader.h"
#include "embedder/image/codecs.h"
#include "embedder/image/decode_watch.h"

namespace semblance::embedder {
namespace {

constexpr size_t kFileHeaderBytes = 14;
// The first header had 16-bit sizes and a palette without a fourth byte. The next ones grew at their end.
constexpr uint32_t kCoreHeaderBytes = 12;
constexpr uint32_t kInfoHeaderBytes = 40;
constexpr uint32_t kHeaderBytesWithAlphaMask = 56;
constexpr uint32_t kMaxHeaderBytes = 124;

enum Compression : uint32_t { kPlain = 0, kRuns8 = 1, kRuns4 = 2, kMasks = 3, kMasksWithAlpha = 6 };

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
};

struct BmpHeader {
  int width = 0;
  int height = 0;
  bool top_down = false;
  int bits = 0;
  uint32_t compression = kPlain;
  // For 16 and 32 bits: red, green, blue, alpha. Without transparency the last one is 0.
  std::array<uint32_t, 4> masks = {};
  // For up to 8 bits.
  std::vector<Color> palette;
  size_t pixels_at = 0;
};

absl::Status EndsEarly() {
  return DecodeFailed("BMP", "the file ends early");
}

class BmpReader {
 public:
  explicit BmpReader(absl::string_view bytes) : bytes_(bytes), reader_(bytes, /*big_endian=*/false) {}

  absl::StatusOr<BmpHeader> ReadHeader() const {
    if (bytes_.size() < kFileHeaderBytes + kCoreHeaderBytes) {
      return EndsEarly();
    }
    const uint32_t length = Number(kFileHeaderBytes, 4);
    const bool known = length == kCoreHeaderBytes || (length >= kInfoHeaderBytes && length <= kMaxHeaderBytes);
    if (!known) {
      return DecodeFailed("BMP", absl::StrCat("the header has ", length, " bytes; known are 12 and 40 to 124"));
    }
    if (bytes_.size() < kFileHeaderBytes + length) {
      return EndsEarly();
    }
    BmpHeader header;
    header.pixels_at = Number(10, 4);
    SEMBLANCE_RETURN_IF_ERROR(length == kCoreHeaderBytes ? ReadCore(header) : ReadInfo(header));
    SEMBLANCE_RETURN_IF_ERROR(ReadMasks(length, header));
    ReadPalette(length, header);
    return header;
  }

  // The number at an offset, 0 past the end.
  uint32_t Number(size_t offset, size_t size) const { return reader_.Number(offset, size).value_or(0); }
  absl::string_view bytes() const { return bytes_; }

 private:
  absl::Status ReadCore(BmpHeader& header) const {
    header.width = static_cast<int>(Number(18, 2));
    header.height = static_cast<int>(Number(20, 2));
    header.bits = static_cast<int>(Number(24, 2));
    return CheckHeader(header);
  }

  absl::Status ReadInfo(BmpHeader& header) const {
    const auto width = static_cast<int32_t>(Number(18, 4));
    const auto height = static_cast<int32_t>(Number(22, 4));
    header.width = width;
    header.top_down = height < 0;
    header.height = height == INT32_MIN ? 0 : std::abs(height);
    header.bits = static_cast<int>(Number(28, 2));
    header.compression = Number(30, 4);
    return CheckHeader(header);
  }

  static absl::Status CheckHeader(const BmpHeader& header) {
    if (header.width < 1 || header.height < 1) {
      return DecodeFailed("BMP", "a side is 0, negative or above 2^31 - 1");
    }
    const auto any_of = [](uint32_t value, std::initializer_list<uint32_t> values) {
      return std::find(values.begin(), values.end(), value) != values.end();
    };
    const auto bits = static_cast<uint32_t>(header.bits);
    const bool fits = (header.compression == kPlain && any_of(bits, {1, 4, 8, 16, 24, 32})) ||
                      (header.compression == kRuns8 && bits == 8) || (header.compression == kRuns4 && bits == 4) ||
                      (any_of(header.compression, {kMasks, kMasksWithAlpha}) && any_of(bits, {16, 32}));
    if (!fits) {
      return UnsupportedImage(absl::StrCat("the BMP has ", header.bits, " bits per pixel with compression ", header.compression,
                                           ", which is not supported: convert it to PNG"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMasks(uint32_t length, BmpHeader& header) const {
    constexpr size_t kMasksAt = 54;
    if (header.compression == kPlain) {
      header.masks =
          header.bits == 16 ? std::array<uint32_t, 4>{0x7C00, 0x3E0, 0x1F, 0} : std::array<uint32_t, 4>{0xFF0000, 0xFF00, 0xFF, 0};
      return absl::OkStatus();
    }
    if (header.compression != kMasks && header.compression != kMasksWithAlpha) {
      return absl::OkStatus();
    }
    const bool has_alpha = length >= kHeaderBytesWithAlphaMask || header.compression == kMasksWithAlpha;
    for (size_t i = 0; i < (has_alpha ? 4 : 3); ++i) {
      const uint32_t mask = Number(kMasksAt + 4 * i, 4);
      // The bits of a color are side by side.
      if ((mask == 0 && i < 3) || (mask != 0 && !std::has_single_bit((mask >> std::countr_zero(mask)) + uint64_t{1}))) {
        return DecodeFailed("BMP", absl::StrCat("the mask of a color is ", mask));
      }
      header.masks[i] = mask;
    }
    return absl::OkStatus();
  }

  // A short palette is filled up with black.
  void ReadPalette(uint32_t length, BmpHeader& header) const {
    if (header.bits > 8) {
      return;
    }
    const size_t entry = length == kCoreHeaderBytes ? 3 : 4;
    const size_t most = size_t{1} << header.bits;
    const size_t used = length == kCoreHeaderBytes ? 0 : Number(46, 4);
    const size_t begin = kFileHeaderBytes + length;
    header.palette.resize(most);
    for (size_t i = 0; i < (used == 0 || used > most ? most : used); ++i) {
      const size_t at = begin + i * entry;
      if (at + entry > std::min(header.pixels_at, bytes_.size())) {
        break;
      }
      header.palette[i] = {static_cast<uint8_t>(bytes_[at + 2]), static_cast<uint8_t>(bytes_[at + 1]),
                           static_cast<uint8_t>(bytes_[at])};
    }
  }

  const absl::string_view bytes_;
  const ByteReader reader_;
};

// Takes a color out of a pixel, and scales it to 8 bits.
uint8_t Masked(uint32_t pixel, uint32_t mask) {
  const int shift = std::countr_zero(mask);
  const uint64_t most = mask >> shift;
  return static_cast<uint8_t>(((pixel & mask) >> shift) * uint64_t{255} / most);
}

// Decodes rows without run lengths.
class PlainRows {
 public:
  PlainRows(const BmpReader& reader, const BmpHeader& header) : reader_(reader), header_(header) {}

  absl::StatusOr<Image> Read(DecodeWatch& watch) {
    const bool has_alpha = header_.bits > 8 && header_.masks[3] != 0;
    Image image = {header_.width, header_.height, has_alpha ? 4 : 3, {}};
    const size_t out_stride = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
    image.pixels.resize(out_stride * static_cast<size_t>(image.height));
    // Rows are filled up to a multiple of 4 bytes. The last one may lack that.
    const size_t row_bytes = (static_cast<size_t>(header_.width) * static_cast<size_t>(header_.bits) + 7) / 8;
    const size_t stride = (row_bytes + 3) / 4 * 4;
    const size_t needed = stride * static_cast<size_t>(header_.height - 1) + row_bytes;
    const size_t there = reader_.bytes().size();
    if (header_.pixels_at > there || needed > there - header_.pixels_at) {
      return EndsEarly();
    }
    for (int y = 0; y < header_.height; ++y) {
      SEMBLANCE_RETURN_IF_ERROR(watch.OnPixels(header_.width));
      const int row = header_.top_down ? y : header_.height - 1 - y;
      ReadRow(header_.pixels_at + static_cast<size_t>(y) * stride, image.channels,
              image.pixels.data() + static_cast<size_t>(row) * out_stride);
    }
    if (has_alpha && !any_alpha_) {
      MakeOpaque(image);
    }
    return image;
  }

 private:
  void ReadRow(size_t at, int channels, uint8_t* out) {
    for (int x = 0; x < header_.width; ++x, out += channels) {
      if (header_.bits <= 8) {
        const size_t bit = static_cast<size_t>(x) * static_cast<size_t>(header_.bits);
        const uint32_t byte = reader_.Number(at + bit / 8, 1);
        const uint32_t index = byte >> (8 - header_.bits - static_cast<int>(bit % 8)) & ((1u << header_.bits) - 1);
        const Color& color = header_.palette[index];
        out[0] = color.red;
        out[1] = color.green;
        out[2] = color.blue;
        continue;
      }
      const size_t size = static_cast<size_t>(header_.bits) / 8;
      const uint32_t pixel = reader_.Number(at + static_cast<size_t>(x) * size, size);
      for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
        out[c] = Masked(pixel, header_.masks[c]);
      }
      any_alpha_ = any_alpha_ || (channels == 4 && out[3] != 0);
    }
  }

  // Programs that know nothing of transparency leave its bits 0.
  static void MakeOpaque(Image& image) {
    for (size_t i = 3; i < image.pixels.size(); i += 4) {
      image.pixels[i] = 255;
    }
  }

  const BmpReader& reader_;
  const BmpHeader& header_;
  bool any_alpha_ = false;
};

// Decodes run lengths. A pair of bytes is a count and a value; a count of 0 is a command.
class RunRows {
 public:
  RunRows(const BmpReader& reader, const BmpHeader& header)
      : bytes_(reader.bytes()), header_(header), image_{header.width, header.height, 3, {}} {
    image_.pixels.reserve(static_cast<size_t>(header.width) * static_cast<size_t>(header.height) * 3);
    for (int64_t i = 0; i < int64_t{header.width} * header.height; ++i) {
      PushBack(header.palette[0]);
    }
  }

  absl::StatusOr<Image> Read(DecodeWatch& watch) {
    constexpr int kEndOfRow = 0, kEndOfImage = 1, kMove = 2;
    at_ = header_.pixels_at;
    while (y_ < header_.height) {
      const std::optional<int> count = Next();
      const std::optional<int> value = Next();
      // An absent last row is taken for the background, as the command of the end would say.
      if (!count.has_value() || !value.has_value()) {
        return EndsEarly();
      }
      SEMBLANCE_RETURN_IF_ERROR(watch.OnPixels(*count == 0 ? *value : *count));
      if (*count > 0) {
        Repeat(*count, *value);
      } else if (*value == kEndOfImage) {
        break;
      } else if (*value == kEndOfRow) {
        x_ = 0;
        ++y_;
      } else if (*value == kMove) {
        const std::optional<int> right = Next();
        const std::optional<int> up = Next();
        x_ += right.value_or(0);
        y_ += up.value_or(0);
      } else if (!Copy(*value)) {
        return EndsEarly();
      }
    }
    return std::move(image_);
  }

 private:
  std::optional<int> Next() { return at_ < bytes_.size() ? std::optional<int>(static_cast<uint8_t>(bytes_[at_++])) : std::nullopt; }

  void PushBack(const Color& color) { image_.pixels.insert(image_.pixels.end(), {color.red, color.green, color.blue}); }

  // Pixels outside of the image are dropped.
  void Put(int index) {
    if (x_ < header_.width && y_ < header_.height) {
      const int row = header_.top_down ? y_ : header_.height - 1 - y_;
      const Color& color = header_.palette[static_cast<size_t>(index)];
      const size_t at = (static_cast<size_t>(row) * static_cast<size_t>(header_.width) + static_cast<size_t>(x_)) * 3;
      image_.pixels[at] = color.red;
      image_.pixels[at + 1] = color.green;
      image_.pixels[at + 2] = color.blue;
    }
    ++x_;
  }

  // With 4 bits a byte has two pixels, the left one in its upper half.
  int IndexIn(int byte, int position) const { return header_.bits == 8 ? byte : position % 2 == 0 ? byte >> 4 : byte & 15; }

  void Repeat(int count, int value) {
    for (int i = 0; i < count; ++i) {
      Put(IndexIn(value, i));
    }
  }

  // Copies `count` pixels; their bytes are filled up to an even number. Returns false where the file ends.
  bool Copy(int count) {
    const int bytes = header_.bits == 8 ? count : (count + 1) / 2;
    int byte = 0;
    for (int i = 0; i < count; ++i) {
      if (header_.bits == 8 || i % 2 == 0) {
        const std::optional<int> next = Next();
        if (!next.has_value()) {
          return false;
        }
        byte = *next;
      }
      Put(IndexIn(byte, i));
    }
    at_ += static_cast<size_t>(bytes % 2);
    return true;
  }

  const absl::string_view bytes_;
  const BmpHeader& header_;
  Image image_;
  size_t at_ = 0;
  int x_ = 0;
  int y_ = 0;
};

}  // namespace

absl::StatusOr<ImageHeader> ReadBmpHeader(absl::string_view bytes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const BmpHeader header, BmpReader(bytes).ReadHeader());
  return ImageHeader{ImageFormat::kBmp, header.width, header.height};
}

absl::StatusOr<Image> DecodeBmp(absl::string_view bytes, const DecodeCheck& check) {
  const BmpReader reader(bytes);
  SEMBLANCE_ASSIGN_OR_RETURN(const BmpHeader header, reader.ReadHeader());
  DecodeWatch watch(check);
  const bool has_runs = header.compression == kRuns8 || header.compression == kRuns4;
  return has_runs ? RunRows(reader, header).Read(watch) : PlainRows(reader, header).Read(watch);
}

}  // namespace semblance::embedder
