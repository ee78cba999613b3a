// Writes and reads fixed-width little-endian values, and computes checksums.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_INDEX_FILES_BYTE_ORDER_H_
#define SEMBLANCE_INDEX_FILES_BYTE_ORDER_H_

#include <zlib.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace semblance::index {

static_assert(std::endian::native == std::endian::little, "files hold little-endian values, which are copied as they are");

template <typename T>
void AppendValue(T value, std::string* bytes) {
  static_assert(std::is_arithmetic_v<T>);
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Removes a value from the front of `bytes` and returns it. REQUIRES: bytes->size() >= sizeof(T).
template <typename T>
T TakeValue(absl::string_view* bytes) {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, bytes->data(), sizeof(value));
  bytes->remove_prefix(sizeof(value));
  return value;
}

// Returns the CRC-32 of ISO 3309, which gzip uses too.
inline uint32_t Crc32(absl::string_view bytes) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FILES_BYTE_ORDER_H_
