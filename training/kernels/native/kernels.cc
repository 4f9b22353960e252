// The kernels for one instruction set: compiled once for each, with RODADA_TARGET as its namespace.
#include "kernels.h"

#include "narrow.h"
#include "normalize.h"
#include "wide.h"

namespace RODADA_TARGET {

namespace {

constexpr int64_t kFew = 4;

void convolve(const Convolution& c, const float* pictures, const float* kernel, const Epilogue& epilogue, float* outcome) {
  (c.channels <= kFew ? forwardNarrow : forwardWide)(c, pictures, kernel, epilogue, outcome);
}

void filterGradient(const Convolution& c, const float* pictures, const Gradient& gradient, float* kernel, float* bias) {
  (c.channels <= kFew ? filterGradientNarrow : filterGradientWide)(c, pictures, gradient, kernel, bias);
}

}  // namespace

extern const rodada::Kernels kernels;
const rodada::Kernels kernels{convolve, inputGradientWide, filterGradient, normalize, normalizeGradient};

}  // namespace RODADA_TARGET
