// Turns an encoded or decoded image into the input of the network. Training, building and serving share this code.
//
// Thread-safe: immutable after construction.
//
// The output is an Image of crop_side x crop_side pixels with 8 bits per channel. The network (embedder/torch) scales to [0, 1] and
// normalizes with mean and std on its own device, so that only a quarter of the bytes must be moved there.
//
// Resizing averages areas when it shrinks, and interpolates linearly when it enlarges. RESIZE_SHORT_SIDE first cuts an image that
// is longer than 8 times its short side to that ratio, around the center, so that no input makes a huge intermediate image. The
// crop is taken from the center; an odd surplus pixel is cut at the right or at the bottom.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_PREPROCESS_H_
#define SEMBLANCE_EMBEDDER_IMAGE_PREPROCESS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/image/decode.h"
#include "embedder/image/image.h"
#include "semblance/storage/v1/bundle.pb.h"

namespace semblance::embedder {

class Preprocessor {
 public:
  // Errors: InvalidArgument, field "preprocessing.<name>", for values outside the ranges of bundle.proto.
  static absl::StatusOr<Preprocessor> Create(const storage::v1::Preprocessing& config);

  // Decodes, turns upright, resizes and crops. Errors: those of DecodeImage.
  absl::StatusOr<Image> DecodeAndPreprocess(absl::string_view encoded, const DecodeLimits& limits,
                                            const DecodeCheck& check = nullptr) const;

  // Does the same without the crop, for augmentation. Both sides of the result are at least crop_side.
  absl::StatusOr<Image> DecodeAndResize(absl::string_view encoded, const DecodeLimits& limits,
                                        const DecodeCheck& check = nullptr) const;

  // Cuts a square of side crop_side from the center. REQUIRES: both sides of `resized` are at least crop_side.
  Image CenterCrop(const Image& resized) const;

  const storage::v1::Preprocessing& config() const { return config_; }

 private:
  explicit Preprocessor(const storage::v1::Preprocessing& config) : config_(config) {}

  storage::v1::Preprocessing config_;
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_PREPROCESS_H_
