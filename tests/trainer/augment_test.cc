#include "trainer/augment.h"

#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance {
namespace {

using ::testing::ElementsAre;

// Pixels 0, 1, 2, ... in reading order; further channels add 100 each.
Image Counting(int width, int height, int channels) {
  Image image;
  image.width = width;
  image.height = height;
  image.channels = channels;
  for (int i = 0; i < width * height; ++i) {
    for (int c = 0; c < channels; ++c) {
      image.pixels.push_back(static_cast<uint8_t>(i + 100 * c));
    }
  }
  return image;
}

std::vector<int> Crop(const Image& image, int side, const Augmentation& augmentation, uint64_t index) {
  std::vector<uint8_t> out(static_cast<size_t>(side * side * image.channels));
  Random random(1, 1, index);
  CropAugmented(image, side, augmentation, &random, absl::MakeSpan(out));
  return {out.begin(), out.end()};
}

std::set<std::vector<int>> AllCrops(const Image& image, int side, const Augmentation& augmentation) {
  std::set<std::vector<int>> crops;
  for (uint64_t index = 0; index < 300; ++index) {
    crops.insert(Crop(image, side, augmentation, index));
  }
  return crops;
}

TEST(AugmentTest, CutsTheCentreWhenNothingIsRandom) {
  EXPECT_THAT(Crop(Counting(4, 4, 1), 2, Augmentation(), 0), ElementsAre(5, 6, 9, 10));
}

TEST(AugmentTest, KeepsChannelsTogether) {
  EXPECT_THAT(Crop(Counting(2, 2, 3), 2, Augmentation(), 0), ElementsAre(0, 100, 200, 1, 101, 201, 2, 102, 202, 3, 103, 203));
}

TEST(AugmentTest, MirrorsAboutHalfOfTheImages) {
  Augmentation flip;
  flip.horizontal_flip = true;

  int mirrored = 0;
  for (uint64_t index = 0; index < 400; ++index) {
    const std::vector<int> crop = Crop(Counting(2, 2, 1), 2, flip, index);
    if (crop[0] == 1) {
      EXPECT_THAT(crop, ElementsAre(1, 0, 3, 2));
      ++mirrored;
    }
  }

  EXPECT_NEAR(mirrored, 200, 40);
}

TEST(AugmentTest, ShiftsInBothDirectionsAndReflectsAtTheBorder) {
  Augmentation shift;
  shift.max_shift_pixels = 1;

  const std::set<std::vector<int>> crops = AllCrops(Counting(3, 3, 1), 3, shift);

  EXPECT_EQ(crops.size(), 9U);                              // Three shifts in x times three in y.
  EXPECT_EQ(crops.count({4, 3, 4, 1, 0, 1, 4, 3, 4}), 1U);  // Up and left by one pixel.
  EXPECT_EQ(crops.count({4, 5, 4, 7, 8, 7, 4, 5, 4}), 1U);  // Down and right.
}

TEST(AugmentTest, ShowsRealPixelsWhereTheImageIsLargerThanTheCrop) {
  Augmentation shift;
  shift.max_shift_pixels = 1;

  const std::set<std::vector<int>> crops = AllCrops(Counting(4, 4, 1), 2, shift);

  EXPECT_EQ(crops.size(), 9U);
  EXPECT_EQ(crops.count({0, 1, 4, 5}), 1U);
  EXPECT_EQ(crops.count({10, 11, 14, 15}), 1U);
}

TEST(AugmentTest, StaysInsideForTheLargestShift) {
  Augmentation shift;
  shift.max_shift_pixels = 4;
  const Image image = Counting(5, 5, 1);

  for (uint64_t index = 0; index < 300; ++index) {
    for (const int pixel : Crop(image, 5, shift, index)) {
      EXPECT_LT(pixel, 25);
    }
  }
}

}  // namespace
}  // namespace semblance
