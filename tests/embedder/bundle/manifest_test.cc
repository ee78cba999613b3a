#include "embedder/bundle/manifest.h"

#include <functional>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/embedder/bundle/bundle_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::BundleManifest;
using ::semblance::storage::v1::Preprocessing;
using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::SmallBundle;
using ::semblance::testing::StatusIs;
using ::testing::AllOf;

auto IsInvalid(const std::string& field) {
  return AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("MANIFEST_INVALID"), HasField(field));
}

// Validates a good manifest after a change.
absl::Status With(const std::function<void(BundleManifest*)>& change) {
  BundleManifest manifest = SmallBundle().manifest;
  change(&manifest);
  return ValidateManifest(manifest);
}

absl::Status WithPreprocessing(const std::function<void(Preprocessing*)>& change) {
  return With([&](BundleManifest* manifest) { change(manifest->mutable_preprocessing()); });
}

absl::Status WithArchitecture(const std::function<void(Architecture*)>& change) {
  return With([&](BundleManifest* manifest) { change(manifest->mutable_architecture()); });
}

TEST(ValidateManifest, TakesTheEndsOfEveryRangeOfPreprocessingAndNothingBeyond) {
  EXPECT_OK(WithPreprocessing([](Preprocessing* p) { p->set_resize_side(1024); }));
  EXPECT_OK(WithPreprocessing([](Preprocessing* p) { p->set_crop_side(20); }));
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->set_resize_side(1025); }), IsInvalid("preprocessing.resize_side"));
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->set_resize_side(7); }), IsInvalid("preprocessing.resize_side"));
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->set_crop_side(21); }), IsInvalid("preprocessing.crop_side"))
      << "a crop is no larger than what it is cut from";
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->set_crop_side(0); }), IsInvalid("preprocessing.crop_side"));
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->clear_resize(); }), IsInvalid("preprocessing.resize"));
  for (const int channels : {0, 2, 4}) {
    EXPECT_THAT(WithPreprocessing([=](Preprocessing* p) { p->set_channels(channels); }), IsInvalid("preprocessing.channels"));
  }
}

TEST(ValidateManifest, WantsOneFiniteMeanAndOnePositiveStdForEachChannel) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->set_channels(3); }), IsInvalid("preprocessing.mean"));
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->add_mean(0); }), IsInvalid("preprocessing.mean"));
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->clear_std(); }), IsInvalid("preprocessing.std"));
  EXPECT_THAT(WithPreprocessing([](Preprocessing* p) { p->set_mean(0, kNan); }), IsInvalid("preprocessing.mean"));
  for (const float std : {0.0F, -1.0F, kNan, std::numeric_limits<float>::infinity()}) {
    EXPECT_THAT(WithPreprocessing([std](Preprocessing* p) { p->set_std(0, std); }), IsInvalid("preprocessing.std")) << std;
  }
}

TEST(ValidateManifest, WantsABackboneThatTheInputFits) {
  EXPECT_THAT(WithArchitecture([](Architecture* a) { a->Clear(); }), IsInvalid("architecture"));
  EXPECT_OK(WithArchitecture([](Architecture* a) {
    for (int stage = 1; stage < 4; ++stage) {
      a->mutable_small_convnet()->add_channels(8);
    }
  })) << "four stages make 1 x 1 of 16 x 16 pixels";
  EXPECT_THAT(WithArchitecture([](Architecture* a) {
                for (int stage = 1; stage < 5; ++stage) {
                  a->mutable_small_convnet()->add_channels(8);
                }
              }),
              IsInvalid("architecture.small_convnet.channels"));
  EXPECT_THAT(WithArchitecture([](Architecture* a) { a->mutable_small_convnet()->set_channels(0, 4097); }),
              IsInvalid("architecture.small_convnet.channels"));
  EXPECT_THAT(WithArchitecture([](Architecture* a) { a->mutable_small_convnet()->set_convolutions_per_stage(5); }),
              IsInvalid("architecture.small_convnet.convolutions_per_stage"));
  for (const int depth : {0, 17, 34, 101}) {
    EXPECT_THAT(WithArchitecture([=](Architecture* a) { a->mutable_resnet()->set_depth(depth); }),
                IsInvalid("architecture.resnet.depth"))
        << depth;
  }
  EXPECT_THAT(WithArchitecture([](Architecture* a) { a->mutable_bn_inception(); }), IsInvalid("preprocessing.crop_side"))
      << "16 pixels cannot be halved evenly so often";
}

TEST(ValidateManifest, BoundsTheBaseWidthOfAResnetUnlessItIsUnset) {
  const auto with_width = [](int width) {
    return WithArchitecture([width](Architecture* a) {
      a->mutable_resnet()->set_depth(50);
      a->mutable_resnet()->set_base_width(width);
    });
  };
  EXPECT_OK(with_width(0));
  EXPECT_OK(with_width(8));
  EXPECT_OK(with_width(256));
  EXPECT_THAT(with_width(7), IsInvalid("architecture.resnet.base_width"));
  EXPECT_THAT(with_width(257), IsInvalid("architecture.resnet.base_width"));
}

TEST(ValidateManifest, AllowsFlatteningForTheBackbonesThatCanDoIt) {
  EXPECT_OK(WithArchitecture([](Architecture* a) { a->set_pooling(Architecture::POOLING_FLATTEN); }));
  EXPECT_OK(WithArchitecture([](Architecture* a) {
    a->mutable_torch_script();
    a->set_pooling(Architecture::POOLING_FLATTEN);
  }));
  EXPECT_THAT(WithArchitecture([](Architecture* a) {
                a->mutable_resnet()->set_depth(18);
                a->set_pooling(Architecture::POOLING_FLATTEN);
              }),
              IsInvalid("architecture.pooling"));
  EXPECT_THAT(WithArchitecture([](Architecture* a) { a->set_pooling(static_cast<Architecture::Pooling>(99)); }),
              IsInvalid("architecture.pooling"));
}

TEST(ValidateManifest, BoundsTheDimensionAndTheInputsOfTheHead) {
  EXPECT_OK(With([](BundleManifest* m) { m->set_dimension(kMaxDimension); }));
  for (const int dimension : {0, -1, kMaxDimension + 1}) {
    EXPECT_THAT(With([=](BundleManifest* m) { m->set_dimension(dimension); }), IsInvalid("dimension")) << dimension;
  }
  // One stage leaves 8 x 8 pixels of 1,024 channels, which is the largest number of inputs. One channel more is too many.
  EXPECT_OK(WithArchitecture([](Architecture* a) { a->mutable_small_convnet()->set_channels(0, 1024); }));
  EXPECT_THAT(WithArchitecture([](Architecture* a) { a->mutable_small_convnet()->set_channels(0, 1025); }),
              IsInvalid("architecture (inputs of the head)"));
}

TEST(IsModelName, TakesLowerCaseNamesThatFitIntoPathsAndUrls) {
  for (const std::string& name : {std::string("a"), std::string("0"), std::string("resnet-50.v2_final"), std::string(64, 'x')}) {
    EXPECT_TRUE(IsModelName(name)) << name;
  }
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string("A"), std::string(".hidden"), std::string("-x"),
                                  std::string("_x"), std::string("a b"), std::string("a/b"), std::string("\xc3\xa4")}) {
    EXPECT_FALSE(IsModelName(name)) << name;
  }
}

TEST(HeadInputs, AreThePooledOutputsOfTheBackbone) {
  const Preprocessing preprocessing = SmallBundle().manifest.preprocessing();
  Architecture architecture = SmallBundle().manifest.architecture();
  EXPECT_EQ(HeadInputs(architecture, preprocessing), 8 * 8 * 8) << "a small convnet is flattened where nothing is set";
  architecture.set_pooling(Architecture::POOLING_AVERAGE);
  EXPECT_EQ(HeadInputs(architecture, preprocessing), 8);
  architecture.mutable_resnet()->set_depth(18);
  EXPECT_EQ(HeadInputs(architecture, preprocessing), 512);
  architecture.mutable_resnet()->set_depth(50);
  EXPECT_EQ(HeadInputs(architecture, preprocessing), 2048);
  architecture.mutable_resnet()->set_base_width(32);
  EXPECT_EQ(HeadInputs(architecture, preprocessing), 1024);
  architecture.mutable_bn_inception();
  EXPECT_EQ(HeadInputs(architecture, preprocessing), 1024);
}

// Computes the sides layer by layer: a convolution with stride 2 rounds up, and a pooling with stride 2 rounds down. The two
// poolings that run beside convolutions must give the same size.
bool SlowIsBnInceptionSide(int side) {
  side = (side + 1) / 2;  // The first convolution.
  side = side / 2 / 2;    // Two poolings.
  for (int reduction = 0; reduction < 2; ++reduction) {
    if ((side + 1) / 2 != side / 2) {
      return false;
    }
    side /= 2;
  }
  return side > 0;
}

TEST(IsBnInceptionSide, AgreesWithTheSizesOfTheLayers) {
  for (int side = 1; side <= 1024; ++side) {
    EXPECT_EQ(IsBnInceptionSide(side), SlowIsBnInceptionSide(side)) << side;
    EXPECT_TRUE(side % 32 != 0 || IsBnInceptionSide(side)) << side;
  }
}

TEST(PoolingOf, IsWhatIsSetOrTheUsualOneOfTheBackbone) {
  Architecture architecture;
  architecture.mutable_small_convnet();
  EXPECT_EQ(PoolingOf(architecture), Architecture::POOLING_FLATTEN);
  architecture.mutable_resnet();
  EXPECT_EQ(PoolingOf(architecture), Architecture::POOLING_AVERAGE);
  architecture.set_pooling(Architecture::POOLING_MAX);
  EXPECT_EQ(PoolingOf(architecture), Architecture::POOLING_MAX);
}

}  // namespace
}  // namespace semblance::embedder
