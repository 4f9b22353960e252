// What is computed, apart from how: the shapes and operands of convolutions of 3 x 3.
#pragma once
#include <cstdint>

namespace rodada {

/** A convolution of 3 x 3, stride 1. Arrays are dense, row-major: pictures [batch, height, width, channels]. */
struct Convolution {
  int64_t batch, height, width, channels, filters;
  /** Zeros around the pictures: 1 for Keras' `same`, 0 for `valid`, 2 in the gradient of `valid`. */
  int64_t padding;

  int64_t outHeight() const { return height + 2 * padding - 2; }
  int64_t outWidth() const { return width + 2 * padding - 2; }
};

/** What becomes of a convolution's sums. */
struct Epilogue {
  /** [filters]; null adds nothing. */
  const float* bias;
  bool relu;
  /**
   * [batch, outHeight / 2, outWidth / 2, filters]: non-null takes the maximum of each 2 x 2 (stride 2) and notes here
   * which it was, in reading order, or `kNone` where ReLU leaves nothing of it.
   */
  uint8_t* winners;
};

constexpr uint8_t kNone = 4;

/** The gradient with respect to a convolution's outcome after its epilogue. */
struct Gradient {
  /** As the outcome. */
  const float* values;
  /** As in `Epilogue`; null if nothing was pooled. */
  const uint8_t* winners;
  /** The outcome, a ReLU's; null if there was no ReLU, or the winners tell. */
  const float* outcome;
};

/** The channels that the kernels take: a few, or a multiple of 16. */
inline bool supportedChannels(int64_t channels) {
  return channels >= 1 && channels <= 4096 && (channels <= 4 || channels % 16 == 0);
}
/** The filters that they take; `inputGradient` takes only channels like these, too. */
inline bool supportedFilters(int64_t filters) { return filters >= 16 && filters <= 4096 && filters % 16 == 0; }

}  // namespace rodada
