#include "dataset/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace semblance::dataset {
namespace {

constexpr size_t kMaxDecompressed = size_t{4} << 30;
constexpr size_t kBlock = size_t{1} << 20;
// zlib's flag for "gzip header and trailer", added to the largest window.
constexpr int kGzipWindowBits = 16 + MAX_WBITS;

absl::Status Corrupt(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": no intact gzip file: ", what));
}

}  // namespace

absl::StatusOr<std::string> DecompressGzip(absl::string_view compressed, absl::string_view name) {
  z_stream stream = {};
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) {
    return absl::ResourceExhaustedError("zlib: out of memory");
  }
  const absl::Cleanup end = [&stream] { inflateEnd(&stream); };

  std::string out;
  int result = Z_OK;
  while (result == Z_OK) {
    if (stream.avail_in == 0) {  // zlib counts its input in 32 bits, so it gets the input in pieces.
      const size_t piece = std::min<size_t>(compressed.size(), std::numeric_limits<uint32_t>::max());
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
      stream.avail_in = static_cast<uInt>(piece);
      compressed.remove_prefix(piece);
    }
    const size_t produced = out.size();
    if (produced > kMaxDecompressed) {
      return Corrupt(name, absl::StrCat("more than ", kMaxDecompressed, " bytes when decompressed"));
    }
    out.resize(produced + kBlock);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
    stream.avail_out = kBlock;
    result = inflate(&stream, Z_NO_FLUSH);
    out.resize(produced + kBlock - stream.avail_out);
  }
  if (result != Z_STREAM_END) {
    return Corrupt(name, result == Z_BUF_ERROR ? "truncated" : stream.msg != nullptr ? stream.msg : "corrupt");
  }
  if (stream.avail_in > 0 || !compressed.empty()) {
    return Corrupt(name, "bytes after its end");
  }
  return out;
}

}  // namespace semblance::dataset
