// The images of a request on their way to vectors: decoding them, and giving the vectors to the queries that they came from.
#ifndef SEMBLANCE_SERVICE_ENGINE_REQUEST_IMAGES_H_
#define SEMBLANCE_SERVICE_ENGINE_REQUEST_IMAGES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "embedder/image/image.h"
#include "service/engine/request_environment.h"
#include "service/engine/types.h"
#include "service/live/generation.h"

namespace semblance::service {

struct EncodedImage {
  absl::string_view bytes;
  // Its path in the client's request, for errors.
  std::string field;
};

// The images among the queries of a search.
struct QueryImages {
  std::vector<EncodedImage> images;
  // images[i] belongs to the query positions[i].
  std::vector<size_t> positions;
};

// The work of decoding and embedding encoded images in a generation. `generation` must live as long as the request waits.
LaneWork WorkOf(absl::Span<const absl::string_view> images, const Generation* generation, embedder::Priority priority);

// The memory that encoded images take beside the client's message when they are decoded for the network, and their vectors.
int64_t BytesWhenDecoded(size_t image_count, const Generation& generation);

// Decodes and preprocesses all images for the generation, and adds the time to `decode_time`. Errors: those of
// Preprocessor::DecodeAndPreprocess for the first bad image, with its field; DeadlineExceeded and Cancelled as soon as the deadline
// of the call passes or its client goes, also in the middle of an image.
absl::StatusOr<std::vector<embedder::Image>> DecodeImages(const RequestEnvironment& environment, const Generation& generation,
                                                          const std::vector<EncodedImage>& images, const CallContext& context,
                                                          absl::Duration& decode_time);

// The batcher names a bad image by its place, "images[1]". Returns the same status with the field that the image has in the
// client's request: fields[1].
absl::Status WithFieldOfImage(absl::Status status, absl::Span<const std::string> fields);

// Sets the vectors of the queries at `positions`. REQUIRES: `vectors` has a row for each position.
void SetQueryVectors(absl::Span<const float> vectors, int dimension, const std::vector<size_t>& positions,
                     GenerationSearch& search);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_REQUEST_IMAGES_H_
