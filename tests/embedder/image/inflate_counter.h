// Counts what zlib unpacks in this program, also for other libraries: its function "inflate" comes before that of zlib.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_EMBEDDER_IMAGE_INFLATE_COUNTER_H_
#define SEMBLANCE_TESTS_EMBEDDER_IMAGE_INFLATE_COUNTER_H_

#include <cstdint>

namespace semblance::testing {

// Returns the bytes that were unpacked so far.
int64_t InflatedBytes();

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_EMBEDDER_IMAGE_INFLATE_COUNTER_H_
