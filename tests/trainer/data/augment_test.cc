#include "trainer/data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;

// The pixels are 0, 1, 2, ... in reading order. Each further channel adds 100.
embedder::Image Counting(int width, int height, int channels) {
  embedder::Image image;
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

std::vector<int> Crop(const embedder::Image& image, int side, const Augmentation& augmentation, uint64_t index) {
  std::vector<uint8_t> out(static_cast<size_t>(side * side * image.channels));
  Random random(1, 1, index);
  CropAugmented(image, side, augmentation, &random, absl::MakeSpan(out));
  return {out.begin(), out.end()};
}

std::set<std::vector<int>> AllCrops(const embedder::Image& image, int side, const Augmentation& augmentation) {
  std::set<std::vector<int>> crops;
  for (uint64_t index = 0; index < 300; ++index) {
    crops.insert(Crop(image, side, augmentation, index));
  }
  return crops;
}

TEST(AugmentTest, CutsTheCenterWhenNothingIsRandom) {
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
  const embedder::Image image = Counting(5, 5, 1);

  for (uint64_t index = 0; index < 300; ++index) {
    for (const int pixel : Crop(image, 5, shift, index)) {
      EXPECT_LT(pixel, 25);
    }
  }
}

// Red grows from 0 to 240 from left to right, green from top to bottom, and blue is constant.
embedder::Image Ramps(int side) {
  embedder::Image image;
  image.width = image.height = side;
  image.channels = 3;
  for (int i = 0; i < side * side; ++i) {
    image.pixels.push_back(static_cast<uint8_t>(i % side * 240 / (side - 1)));
    image.pixels.push_back(static_cast<uint8_t>(i / side * 240 / (side - 1)));
    image.pixels.push_back(50);
  }
  return image;
}

int Red(const std::vector<int>& crop, int side, int x, int y) {
  return crop[static_cast<size_t>(3 * (y * side + x))];
}

int Green(const std::vector<int>& crop, int side, int x, int y) {
  return crop[static_cast<size_t>(3 * (y * side + x) + 1)];
}

TEST(AugmentTest, ShowsRectanglesOfTheAskedAreaAndShape) {
  Augmentation crop;
  crop.min_crop_area = 0.2;
  crop.max_crop_area = 0.5;
  crop.max_crop_aspect = 4.0 / 3;
  constexpr int kSide = 32;
  double smallest = 1;
  double largest = 0;
  for (uint64_t index = 0; index < 300; ++index) {
    const std::vector<int> pixels = Crop(Ramps(64), kSide, crop, index);
    // The centers of the crop's pixels span 31 of its 32 steps, and those of the image 63 of 64.
    const double width = (Red(pixels, kSide, 31, 0) - Red(pixels, kSide, 0, 0)) / 240.0 * 63 / 64 * 32 / 31;
    const double height = (Green(pixels, kSide, 0, 31) - Green(pixels, kSide, 0, 0)) / 240.0 * 63 / 64 * 32 / 31;
    smallest = std::min(smallest, width * height);
    largest = std::max(largest, width * height);
    EXPECT_LE(std::max(width / height, height / width), 4.0 / 3 * 1.05);
    EXPECT_GT(Red(pixels, kSide, 31, 0), Red(pixels, kSide, 0, 0)) << "not mirrored";
  }
  EXPECT_NEAR(smallest, 0.2, 0.02);
  EXPECT_NEAR(largest, 0.5, 0.02);
}

TEST(AugmentTest, ShowsTheWholeImageWhereTheCropIsAllOfIt) {
  Augmentation crop;
  crop.min_crop_area = 1;
  const embedder::Image image = Counting(5, 5, 1);

  EXPECT_THAT(Crop(image, 5, crop, 1), ::testing::ElementsAreArray(image.pixels));
}

TEST(AugmentTest, ShrinksRectanglesThatDoNotFit) {
  Augmentation crop;
  crop.min_crop_area = 1;  // A square with the area of an image of 4 x 16 would be 8 x 8.

  for (const int pixel : Crop(Counting(4, 16, 1), 4, crop, 3)) {
    EXPECT_LT(pixel, 64);
  }
  const std::vector<int> pixels = Crop(Counting(4, 16, 1), 4, crop, 3);
  EXPECT_EQ(pixels[3] - pixels[0], 3) << "the whole width";
  EXPECT_EQ(pixels[12] - pixels[0], 12) << "four rows";
}

TEST(AugmentTest, RotatesWithinTheAskedAngle) {
  Augmentation rotation;
  rotation.rotation_degrees = 30;
  constexpr int kSide = 17;
  double largest = 0;
  for (uint64_t index = 0; index < 200; ++index) {
    const std::vector<int> crop = Crop(Ramps(63), kSide, rotation, index);
    // The growth of red and green along the middle row gives the direction of the x axis.
    const double across = Red(crop, kSide, 16, 8) - Red(crop, kSide, 0, 8);
    const double down = Green(crop, kSide, 16, 8) - Green(crop, kSide, 0, 8);
    largest = std::max(largest, std::abs(std::atan2(down, across)) * 180 / M_PI);
    EXPECT_NEAR(std::hypot(across, down), 16 * 240.0 / 62, 3) << "its length stays";
    EXPECT_NEAR(Red(crop, kSide, 8, 8), 120, 2) << "its centre stays";
  }
  EXPECT_NEAR(largest, 30, 3);
}

TEST(AugmentTest, SlantsAndKeepsTheRows) {
  Augmentation shear;
  shear.shear_degrees = 20;
  constexpr int kSide = 17;
  double largest = 0;
  for (uint64_t index = 0; index < 200; ++index) {
    const std::vector<int> crop = Crop(Ramps(63), kSide, shear, index);
    EXPECT_EQ(Green(crop, kSide, 0, 8), Green(crop, kSide, 16, 8));
    const double sideways = Red(crop, kSide, 8, 16) - Red(crop, kSide, 8, 0);
    const double down = Green(crop, kSide, 8, 16) - Green(crop, kSide, 8, 0);
    largest = std::max(largest, std::abs(sideways / down));
  }
  EXPECT_NEAR(largest, std::tan(20 * M_PI / 180), 0.05);
}

TEST(AugmentTest, FlipsAndShiftsAlikeWithAndWithoutResampling) {
  Augmentation copied;
  copied.horizontal_flip = true;
  copied.max_shift_pixels = 2;
  Augmentation resampled = copied;
  resampled.shear_degrees = 1e-9;
  for (const int size : {6, 7}) {
    for (uint64_t index = 0; index < 50; ++index) {
      EXPECT_EQ(Crop(Counting(size, size, 3), 5, copied, index), Crop(Counting(size, size, 3), 5, resampled, index));
    }
  }
}

// One pixel of each of these colors.
embedder::Image Colors(const std::vector<std::array<uint8_t, 3>>& colors) {
  embedder::Image image;
  image.width = image.height = 2;
  image.channels = 3;
  for (const std::array<uint8_t, 3>& color : colors) {
    image.pixels.insert(image.pixels.end(), color.begin(), color.end());
  }
  return image;
}

TEST(AugmentTest, ChangesBrightnessByAFactor) {
  Augmentation brightness;
  brightness.brightness = 0.5;
  const embedder::Image image = Colors({{100, 50, 20}, {200, 100, 40}, {0, 0, 0}, {250, 250, 250}});
  std::set<int> seen;
  for (uint64_t index = 0; index < 300; ++index) {
    const std::vector<int> crop = Crop(image, 2, brightness, index);
    seen.insert(crop[0]);
    EXPECT_NEAR(crop[1], crop[0] / 2.0, 1);
    EXPECT_NEAR(crop[3], std::min(2 * crop[0], 255), 1);
    EXPECT_EQ(crop[6], 0);
    EXPECT_NEAR(crop[9], std::min(2.5 * crop[0], 255.0), 2) << "cut off at white";
  }
  EXPECT_NEAR(*seen.begin(), 50, 2);
  EXPECT_NEAR(*seen.rbegin(), 150, 2);
}

TEST(AugmentTest, ChangesContrastAroundTheMeanGray) {
  Augmentation contrast;
  contrast.contrast = 0.5;
  const embedder::Image image = Colors({{100, 100, 100}, {140, 140, 140}, {100, 100, 100}, {140, 140, 140}});
  std::set<int> seen;
  for (uint64_t index = 0; index < 300; ++index) {
    const std::vector<int> crop = Crop(image, 2, contrast, index);
    seen.insert(crop[3] - crop[0]);
    EXPECT_NEAR(crop[0] + crop[3], 240, 1);
  }
  EXPECT_NEAR(*seen.begin(), 20, 1);
  EXPECT_NEAR(*seen.rbegin(), 60, 1);
}

TEST(AugmentTest, ChangesSaturationAndKeepsTheGray) {
  Augmentation saturation;
  saturation.saturation = 1;
  const embedder::Image image = Colors({{150, 100, 80}, {90, 90, 90}, {150, 100, 80}, {90, 90, 90}});
  const double gray = 0.299 * 150 + 0.587 * 100 + 0.114 * 80;
  std::set<int> seen;
  for (uint64_t index = 0; index < 300; ++index) {
    const std::vector<int> crop = Crop(image, 2, saturation, index);
    seen.insert(crop[0] - crop[2]);
    EXPECT_NEAR(0.299 * crop[0] + 0.587 * crop[1] + 0.114 * crop[2], gray, 1.5);
    EXPECT_NEAR(crop[3], 90, 1);
    EXPECT_NEAR(crop[5], 90, 1);
  }
  EXPECT_LE(*seen.begin(), 2);
  EXPECT_GE(*seen.rbegin(), 135);
}

TEST(AugmentTest, ChangesGrayImagesToo) {
  Augmentation all = {true, 1, 0.5, 1, 1.5, 20, 10, 0.3, 0.3, 0.3};

  EXPECT_GT(AllCrops(Counting(6, 6, 1), 5, all).size(), 290U);
}

TEST(AugmentTest, GivesEqualImagesForEqualGenerators) {
  const Augmentation all = {true, 1, 0.5, 1, 1.5, 20, 10, 0.3, 0.3, 0.3};

  EXPECT_EQ(Crop(Ramps(20), 16, all, 1), Crop(Ramps(20), 16, all, 1));
  EXPECT_NE(Crop(Ramps(20), 16, all, 1), Crop(Ramps(20), 16, all, 2));
}

}  // namespace
}  // namespace semblance::trainer
