// A small generator of random numbers with the same results on every platform (SplitMix64; Steele, Lea and Flood, OOPSLA 2014). It
// is cheap enough to make one for every example.
//
// Not thread-safe.
#ifndef SEMBLANCE_TRAINER_DATA_RANDOM_H_
#define SEMBLANCE_TRAINER_DATA_RANDOM_H_

#include <cstdint>

namespace semblance::trainer {

class Random {
 public:
  // Generators with different arguments are independent for all practical purposes.
  Random(uint64_t seed, uint64_t stream, uint64_t index) : state_(Mix(Mix(Mix(seed) + stream) + index)) {}

  // 64 random bits.
  uint64_t Next() { return Mix(state_ += kIncrement); }

  // Uniform in [0, bound). REQUIRES: bound >= 1. (The bias of the multiplication is below bound / 2^64.)
  uint64_t Below(uint64_t bound) { return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64); }

  // Uniform in [low, high].
  int Between(int low, int high) { return low + static_cast<int>(Below(static_cast<uint64_t>(high - low) + 1)); }

  // Uniform in [low, high], with 53 random bits.
  double Uniform(double low, double high) { return low + (high - low) * (static_cast<double>(Next() >> 11) * 0x1p-53); }

  bool Coin() { return (Next() >> 63) != 0; }

 private:
  static constexpr uint64_t kIncrement = 0x9e3779b97f4a7c15;

  static uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_RANDOM_H_
