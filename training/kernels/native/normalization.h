// What is computed, apart from how: batch normalization (Ioffe & Szegedy 2015) with the ReLU and the pooling after it.
#pragma once
#include <cstdint>

namespace rodada {

/** Arrays are dense, row-major: feature maps [batch, height, width, channels], a multiple of 16 channels. */
struct Normalization {
  int64_t batch, height, width, channels;

  int64_t perChannel() const { return batch * height * width; }
};

/** Of each channel: y = (x - mean) * inverse * gamma + beta, where inverse is 1 / sqrt(variance + epsilon). */
struct Statistics {
  float *mean, *variance, *inverse;
};

}  // namespace rodada
