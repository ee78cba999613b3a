// The one way from an encoded or decoded image to the network's input, shared by training, building and serving.
//
// Thread-safe: immutable after construction.
//
// Output: an Image of exactly crop_side x crop_side x channels, 8 bits. Scaling to [0, 1] and normalisation with mean and std
// happen with the network (embedder/torch), on its device: a quarter of the bytes to move.
//
// Resizing: by area where it shrinks, linear where it enlarges. RESIZE_SHORT_SIDE cuts an image longer than 8 times its short side
// to that ratio first, around the centre, so that no input makes a huge intermediate image. The crop is of the centre; an odd pixel
// over goes to the right and to the bottom.
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

  // Decode, orient, resize, crop. Errors: as of DecodeImage.
  absl::StatusOr<Image> DecodeAndPreprocess(absl::string_view encoded, const DecodeLimits& limits) const;

  // Decode, orient and resize, without the crop: where augmentation starts from. Both sides are at least crop_side.
  absl::StatusOr<Image> DecodeAndResize(absl::string_view encoded, const DecodeLimits& limits) const;

  // The crop of side crop_side from the centre. REQUIRES: both sides of `resized` are at least crop_side.
  Image CenterCrop(const Image& resized) const;

  const storage::v1::Preprocessing& config() const { return config_; }

 private:
  explicit Preprocessor(const storage::v1::Preprocessing& config) : config_(config) {}

  storage::v1::Preprocessing config_;
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_PREPROCESS_H_
