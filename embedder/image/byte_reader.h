// Reads numbers of either byte order at any offset.
//
// Thread-compatible: immutable. The bytes must outlive the reader.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_BYTE_READER_H_
#define SEMBLANCE_EMBEDDER_IMAGE_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace semblance::embedder {

class ByteReader {
 public:
  ByteReader(absl::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  // Returns the number in `size` bytes at `offset`; nothing where the bytes end before. REQUIRES: 1 <= size <= 4.
  std::optional<uint32_t> Number(size_t offset, size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return std::nullopt;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t at = big_endian_ ? i : size - 1 - i;
      value = value << 8 | static_cast<uint8_t>(bytes_[offset + at]);
    }
    return value;
  }

 private:
  const absl::string_view bytes_;
  const bool big_endian_;
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_BYTE_READER_H_
