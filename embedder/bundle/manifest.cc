#include "embedder/bundle/manifest.h"

#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::BundleManifest;
using ::semblance::storage::v1::Preprocessing;
using ::semblance::storage::v1::Resnet;
using ::semblance::storage::v1::SmallConvnet;

constexpr int kMinSide = 8;
constexpr int kMaxSide = 1024;
constexpr int kMaxStages = 8;
constexpr int kMaxStageChannels = 4096;
constexpr int kMaxConvolutionsPerStage = 4;
constexpr int kMinBaseWidth = 8;
constexpr int kMaxBaseWidth = 256;
constexpr int kPublishedBaseWidth = 64;
constexpr int kBnInceptionFeatures = 1024;
constexpr size_t kMaxNameBytes = 64;

absl::Status Invalid(absl::string_view field, absl::string_view message) {
  return InvalidField(field, v1::ERROR_REASON_MANIFEST_INVALID, absl::StrCat(field, " ", message));
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    return Invalid(field, absl::StrCat("is ", value, ", not within ", low, " to ", high));
  }
  return absl::OkStatus();
}

absl::Status ValidateNormalization(const Preprocessing& preprocessing) {
  const int channels = preprocessing.channels();
  if (preprocessing.mean_size() != channels) {
    return Invalid("preprocessing.mean", absl::StrCat("has ", preprocessing.mean_size(), " values for ", channels, " channels"));
  }
  if (preprocessing.std_size() != channels) {
    return Invalid("preprocessing.std", absl::StrCat("has ", preprocessing.std_size(), " values for ", channels, " channels"));
  }
  for (const float mean : preprocessing.mean()) {
    if (!std::isfinite(mean)) {
      return Invalid("preprocessing.mean", "has a value that is not finite");
    }
  }
  for (const float std : preprocessing.std()) {
    if (!std::isfinite(std) || std <= 0) {
      return Invalid("preprocessing.std", absl::StrCat("has the value ", std, ", not finite and above 0"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateSmallConvnet(const SmallConvnet& convnet, int input_side) {
  SEMBLANCE_RETURN_IF_ERROR(
      CheckRange("architecture.small_convnet.channels (number of stages)", convnet.channels_size(), 1, kMaxStages));
  for (const int channels : convnet.channels()) {
    SEMBLANCE_RETURN_IF_ERROR(CheckRange("architecture.small_convnet.channels", channels, 1, kMaxStageChannels));
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckRange("architecture.small_convnet.convolutions_per_stage", convnet.convolutions_per_stage(), 1,
                                       kMaxConvolutionsPerStage));
  if (input_side >> convnet.channels_size() < 1) {
    return Invalid("architecture.small_convnet.channels",
                   absl::StrCat("has ", convnet.channels_size(), " stages, each of which halves ",
                                "the side: too many for an input of ", input_side, " pixels"));
  }
  return absl::OkStatus();
}

absl::Status ValidateResnet(const Resnet& resnet) {
  if (resnet.depth() != 18 && resnet.depth() != 50) {
    return Invalid("architecture.resnet.depth", absl::StrCat("is ", resnet.depth(), ", not 18 or 50"));
  }
  return CheckRange("architecture.resnet.base_width", BaseWidthOf(resnet), kMinBaseWidth, kMaxBaseWidth);
}

absl::Status ValidateBnInception(int input_side) {
  if (!IsBnInceptionSide(input_side)) {
    return Invalid("preprocessing.crop_side", absl::StrCat("is ", input_side, ", which BN-Inception cannot halve evenly; ",
                                                           "multiples of 32 are among the sides that it can"));
  }
  return absl::OkStatus();
}

absl::Status ValidateBackbone(const Architecture& architecture, int input_side) {
  switch (architecture.backbone_case()) {
    case Architecture::kSmallConvnet:
      return ValidateSmallConvnet(architecture.small_convnet(), input_side);
    case Architecture::kResnet:
      return ValidateResnet(architecture.resnet());
    case Architecture::kBnInception:
      return ValidateBnInception(input_side);
    case Architecture::kTorchScript:
      return absl::OkStatus();
    case Architecture::BACKBONE_NOT_SET:
      break;
  }
  return Invalid("architecture", "names no backbone");
}

absl::Status ValidatePooling(const Architecture& architecture) {
  if (!Architecture::Pooling_IsValid(architecture.pooling())) {
    return Invalid("architecture.pooling", absl::StrCat("is ", architecture.pooling(), ", which is not known"));
  }
  if (architecture.pooling() == Architecture::POOLING_FLATTEN && (architecture.has_resnet() || architecture.has_bn_inception())) {
    return Invalid("architecture.pooling", "is POOLING_FLATTEN, which is for small_convnet and torch_script only");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsModelName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) {
    return false;
  }
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '.' && c != '_' && c != '-') {
      return false;
    }
  }
  return absl::ascii_isalnum(name[0]);
}

absl::Status ValidatePreprocessing(const Preprocessing& preprocessing) {
  switch (preprocessing.resize()) {
    case Preprocessing::RESIZE_STRETCH:
    case Preprocessing::RESIZE_SHORT_SIDE:
    case Preprocessing::RESIZE_FIT:
      break;
    default:
      return Invalid("preprocessing.resize", absl::StrCat("is ", preprocessing.resize(), ": not set, or unknown"));
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckRange("preprocessing.resize_side", preprocessing.resize_side(), kMinSide, kMaxSide));
  SEMBLANCE_RETURN_IF_ERROR(CheckRange("preprocessing.crop_side", preprocessing.crop_side(), 1, preprocessing.resize_side()));
  if (preprocessing.channels() != 1 && preprocessing.channels() != 3) {
    return Invalid("preprocessing.channels", absl::StrCat("is ", preprocessing.channels(), ", not 1 or 3"));
  }
  return ValidateNormalization(preprocessing);
}

absl::Status ValidateNetwork(const Architecture& architecture, const Preprocessing& preprocessing, int dimension) {
  SEMBLANCE_RETURN_IF_ERROR(ValidatePreprocessing(preprocessing));
  SEMBLANCE_RETURN_IF_ERROR(CheckRange("dimension", dimension, 1, kMaxDimension));
  SEMBLANCE_RETURN_IF_ERROR(ValidateBackbone(architecture, preprocessing.crop_side()));
  SEMBLANCE_RETURN_IF_ERROR(ValidatePooling(architecture));
  if (architecture.has_torch_script()) {
    return absl::OkStatus();
  }
  return CheckRange("architecture (inputs of the head)", HeadInputs(architecture, preprocessing), 1, kMaxHeadInputs);
}

absl::Status ValidateManifest(const BundleManifest& manifest) {
  if (!IsModelName(manifest.name())) {
    return Invalid("name", absl::StrCat("is \"", manifest.name(), "\", not [a-z0-9][a-z0-9._-]{0,63}"));
  }
  return ValidateNetwork(manifest.architecture(), manifest.preprocessing(), manifest.dimension());
}

int64_t HeadInputs(const Architecture& architecture, const Preprocessing& preprocessing) {
  if (architecture.has_resnet()) {
    const int expansion = architecture.resnet().depth() == 18 ? 1 : 4;
    return int64_t{8} * BaseWidthOf(architecture.resnet()) * expansion;
  }
  if (architecture.has_bn_inception()) {
    return kBnInceptionFeatures;
  }
  const SmallConvnet& convnet = architecture.small_convnet();
  const int64_t side =
      PoolingOf(architecture) == Architecture::POOLING_FLATTEN ? preprocessing.crop_side() >> convnet.channels_size() : 1;
  return convnet.channels(convnet.channels_size() - 1) * side * side;
}

bool IsBnInceptionSide(int side) {
  // The first convolution rounds up, and two poolings (3x3, stride 2, no padding) round down. Two more poolings run in parallel to
  // convolutions that round up, so their sizes agree only when nothing is rounded.
  const int side_at_3a = (side + 1) / 2 / 2 / 2;
  return side_at_3a > 0 && side_at_3a % 4 == 0;
}

Architecture::Pooling PoolingOf(const Architecture& architecture) {
  if (architecture.pooling() != Architecture::POOLING_UNSPECIFIED) {
    return architecture.pooling();
  }
  return architecture.has_small_convnet() ? Architecture::POOLING_FLATTEN : Architecture::POOLING_AVERAGE;
}

int BaseWidthOf(const Resnet& resnet) {
  return resnet.base_width() == 0 ? kPublishedBaseWidth : resnet.base_width();
}

}  // namespace semblance::embedder
