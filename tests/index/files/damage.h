// Damages bytes as a disk might.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TESTS_INDEX_FILES_DAMAGE_H_
#define SEMBLANCE_TESTS_INDEX_FILES_DAMAGE_H_

#include <cstddef>
#include <string>

namespace semblance::index {

// Returns the bytes with one bit of the byte `at` flipped.
inline std::string Flipped(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  return bytes;
}

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_FILES_DAMAGE_H_
