#include "tests/embedder/image/inflate_counter.h"

#include <dlfcn.h>
#include <zlib.h>

namespace semblance::testing {
namespace {

int64_t inflated_bytes = 0;

}  // namespace

int64_t InflatedBytes() {
  return inflated_bytes;
}

}  // namespace semblance::testing

extern "C" int inflate(z_streamp stream, int flush) {
  using Inflate = int (*)(z_streamp, int);
  static const auto real_inflate = reinterpret_cast<Inflate>(dlsym(RTLD_NEXT, "inflate"));
  const uInt before = stream->avail_out;
  const int result = real_inflate(stream, flush);
  semblance::testing::inflated_bytes += before - stream->avail_out;
  return result;
}
