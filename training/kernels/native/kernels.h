// The table of the kernels' functions that there is for each instruction set.
#pragma once
#include "convolution.h"
#include "normalization.h"

namespace rodada {

/** The functions for an instruction set. They throw std::bad_alloc where there is no memory. */
struct Kernels {
  /** `kernel` is [3, 3, channels, filters]. */
  void (*convolve)(const Convolution&, const float* pictures, const float* kernel, const Epilogue&, float* outcome);
  void (*inputGradient)(const Convolution&, const Gradient&, const float* kernel, float* gradient);
  /** Also the bias' gradient, unless that is null. */
  void (*filterGradient)(const Convolution&, const float* pictures, const Gradient&, float* kernel, float* bias);

  /**
   * The largest of each 2 x 2 of ReLU of the normalized maps, with the batch's own statistics.
   * @param statistics are written; the variance as the batch has it, divided by its size
   * @param winners as in `Epilogue`
   */
  void (*normalize)(const Normalization&, const float* maps, const float* gamma, const float* beta, float epsilon,
                    const Statistics& statistics, float* outcome, uint8_t* winners);
  /** From the gradient of that: of the maps, whose place it may take, of gamma and of beta. */
  void (*normalizeGradient)(const Normalization&, const float* maps, const float* gamma, const float* mean,
                            const float* inverse, const float* gradient, const uint8_t* winners, float* mapsGradient,
                            float* gammaGradient, float* betaGradient);
};

}  // namespace rodada
