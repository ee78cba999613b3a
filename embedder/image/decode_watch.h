// Asks a DecodeCheck now and then while pixels are decoded.
//
// Not thread-safe.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_DECODE_WATCH_H_
#define SEMBLANCE_EMBEDDER_IMAGE_DECODE_WATCH_H_

#include <cstdint>

#include "absl/status/status.h"
#include "embedder/image/decode.h"

namespace semblance::embedder {

class DecodeWatch {
 public:
  // `check` must outlive the watch.
  explicit DecodeWatch(const DecodeCheck& check) : check_(check) {}

  // Counts the pixels of a row or of a part of a scan, and asks when there were enough since the last question.
  absl::Status OnPixels(int64_t pixels) {
    pixels_ += pixels;
    if (pixels_ < kPixelsPerCheck || check_ == nullptr) {
      return absl::OkStatus();
    }
    pixels_ = 0;
    return check_();
  }

 private:
  static constexpr int64_t kPixelsPerCheck = 1'000'000;

  const DecodeCheck& check_;
  // Such that the first row asks.
  int64_t pixels_ = kPixelsPerCheck;
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_DECODE_WATCH_H_
