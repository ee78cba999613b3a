// ComputeEmbeddingSpaceId of bundle.h. docs/bundle_format.md shows the text that is digested.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "embedder/bundle/bundle.h"
#include "embedder/bundle/manifest.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::BundleFile;
using ::semblance::storage::v1::BundleManifest;
using ::semblance::storage::v1::Preprocessing;
using ::semblance::storage::v1::Resnet;

std::string FloatBits(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return absl::StrFormat("%08x", bits);
}

template <typename Floats>
std::string FloatList(const Floats& values) {
  return absl::StrJoin(values, ",", [](std::string* out, float value) { out->append(FloatBits(value)); });
}

std::string WeightsDigest(const TensorMap& model) {
  Sha256Stream digest;
  for (const auto& [name, tensor] : model) {
    digest.Update(absl::StrCat(name.size(), ":", name, " ", tensor.dtype, " [", absl::StrJoin(tensor.shape, ","), "]\n"));
    digest.Update(tensor.data);
  }
  return digest.FinishHex();
}

std::string FileDigest(const BundleManifest& manifest, absl::string_view name) {
  const auto file = std::find_if(manifest.files().begin(), manifest.files().end(),
                                 [name](const BundleFile& listed) { return listed.name() == name; });
  return file == manifest.files().end() ? "" : file->sha256();
}

std::string DescribeResnet(const Resnet& resnet) {
  return absl::StrCat("resnet depth=", resnet.depth(),
                      BaseWidthOf(resnet) == BaseWidthOf({}) ? "" : absl::StrCat(" base_width=", BaseWidthOf(resnet)),
                      resnet.small_image_stem() ? " small_image_stem" : "");
}

std::string DescribeBackbone(const BundleManifest& manifest) {
  const Architecture& architecture = manifest.architecture();
  switch (architecture.backbone_case()) {
    case Architecture::kResnet:
      return DescribeResnet(architecture.resnet());
    case Architecture::kBnInception:
      return "bn_inception";
    case Architecture::kTorchScript:
      return absl::StrCat("torch_script ", FileDigest(manifest, kBundleBackboneFile));
    default:
      return absl::StrCat("small_convnet channels=", absl::StrJoin(architecture.small_convnet().channels(), ","),
                          " convolutions_per_stage=", architecture.small_convnet().convolutions_per_stage());
  }
}

// Values that equal the defaults are left out, so that bundles written before these fields existed keep their ids.
std::string DescribeArchitecture(const BundleManifest& manifest) {
  const Architecture& architecture = manifest.architecture();
  Architecture unset = architecture;
  unset.clear_pooling();
  const Architecture::Pooling pooling = PoolingOf(architecture);
  return absl::StrCat(DescribeBackbone(manifest),
                      pooling == PoolingOf(unset) ? "" : absl::StrCat(" pooling=", Architecture::Pooling_Name(pooling)),
                      architecture.head_layer_norm() ? " head_layer_norm" : "");
}

std::string DescribePreprocessing(const Preprocessing& config) {
  return absl::StrCat("resize=", Preprocessing::Resize_Name(config.resize()), " resize_side=", config.resize_side(),
                      " crop_side=", config.crop_side(), " channels=", config.channels(), " mean=", FloatList(config.mean()),
                      " std=", FloatList(config.std()));
}

}  // namespace

std::string ComputeEmbeddingSpaceId(const BundleManifest& manifest, const TensorMap& model) {
  const std::string description =
      absl::StrCat("semblance embedding space 1\n", "weights ", WeightsDigest(model), "\n", "architecture ",
                   DescribeArchitecture(manifest), "\n", "preprocessing ", DescribePreprocessing(manifest.preprocessing()), "\n",
                   "dimension ", manifest.dimension(), "\n", "normalization l2\n");
  return absl::StrCat("sha256:", Sha256Hex(description));
}

}  // namespace semblance::embedder
