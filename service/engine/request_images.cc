#include "service/engine/request_images.h"

#include <utility>

#include "absl/strings/str_cat.h"
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

// An image costs this in addition to its bytes. Decoding a small image takes as long as the bytes of a photo of this size.
constexpr double kCostOfAnImage = 16 << 10;

}  // namespace

LaneWork WorkOf(absl::Span<const absl::string_view> images, const Generation* generation, embedder::Priority priority) {
  LaneWork work = {.cost = 0, .images = static_cast<int>(images.size()), .later = [generation, priority](int count) {
                     return generation->batcher().EstimatedTime(priority, count);
                   }};
  for (const absl::string_view image : images) {
    work.cost += kCostOfAnImage + static_cast<double>(image.size());
  }
  return work;
}

int64_t BytesWhenDecoded(size_t image_count, const Generation& generation) {
  const storage::v1::Preprocessing& input = generation.embedder().manifest().preprocessing();
  const int64_t pixels = int64_t{input.crop_side()} * input.crop_side() * input.channels();
  const int64_t vector = int64_t{generation.manifest().dimension()} * static_cast<int64_t>(sizeof(float));
  return static_cast<int64_t>(image_count) * (pixels + vector);
}

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

absl::Status WithFieldOfImage(absl::Status status, absl::Span<const std::string> fields) {
  const std::string field = ErrorField(status);
  for (size_t i = 0; i < fields.size(); ++i) {
    if (field == absl::StrCat("images[", i, "]")) {
      return InvalidField(fields[i], ReasonOf(status), status.message());
    }
  }
  return status;
}

void SetQueryVectors(absl::Span<const float> vectors, int dimension, const std::vector<size_t>& positions,
                     GenerationSearch& search) {
  ForEachRow(vectors, dimension, [&](size_t row, absl::Span<const float> vector) {
    search.queries[positions[row]].vector.assign(vector.begin(), vector.end());
  });
}

}  // namespace semblance::service
