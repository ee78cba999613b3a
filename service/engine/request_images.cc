#include "service/engine/request_images.h"

#include <utility>

#include "common/error.h"
#include "service/live/vector_rows.h"

namespace semblance::service {
namespace {

// Nobody waits for an image that is decoded after the deadline, or for a client that has gone.
absl::Status CheckStillWanted(const Clock& clock, const CallContext& context) {
  if (context.cancelled.stop_requested()) {
    return absl::CancelledError("the client has gone");
  }
  if (clock.Now() >= context.deadline) {
    return absl::DeadlineExceededError("the deadline passed while the images were decoded");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<embedder::Image>> DecodeImages(const RequestEnvironment& environment, const Generation& generation,
                                                          const std::vector<EncodedImage>& images, const CallContext& context,
                                                          absl::Duration& decode_time) {
  const absl::Time start = environment.clock->Now();
  const embedder::Preprocessor& preprocessor = generation.embedder().preprocessor();
  const embedder::DecodeCheck check = [&] { return CheckStillWanted(*environment.clock, context); };
  std::vector<embedder::Image> decoded;
  decoded.reserve(images.size());
  for (const EncodedImage& image : images) {
    absl::StatusOr<embedder::Image> result = preprocessor.DecodeAndPreprocess(image.bytes, environment.decode_limits, check);
    if (!result.ok()) {
      // The decoder calls the field "image"; the client has another name for it.
      return absl::IsInvalidArgument(result.status())
                 ? InvalidField(image.field, ReasonOf(result.status()), result.status().message())
                 : result.status();
    }
    decoded.push_back(*std::move(result));
  }
  decode_time += environment.clock->Now() - start;
  return decoded;
}

void SetQueryVectors(absl::Span<const float> vectors, int dimension, const std::vector<size_t>& positions,
                     GenerationSearch& search) {
  ForEachRow(vectors, dimension, [&](size_t row, absl::Span<const float> vector) {
    search.queries[positions[row]].vector.assign(vector.begin(), vector.end());
  });
}

}  // namespace semblance::service
