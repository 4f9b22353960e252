// Small matrix products whose sums stay in registers.
#pragma once
#include "vector.h"

namespace RODADA_TARGET {

// Sums of kRows x kWide vectors, and what they are made of, fit into the registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRows = 12;  // of 32 registers
#else
constexpr int kRows = 6;  // of 16 registers
#endif
constexpr int kWide = 2;
/** Columns of the sums. */
constexpr int kPanel = kWide * kLanes;

/** The left operand: `at[segment * segmentStride + row * rowStride + depth * depthStride]`. */
struct Left {
  const float* at;
  int64_t rowStride, depthStride;
  int64_t segments = 1, segmentStride = 0;
};

/** The right operand: `at[(segment * depth + t) * stride + column]`. */
struct Right {
  const float* at;
  int64_t stride;
};

/** `sums[row * stride + column]`: the product over all segments and depths, or that added to what is there. */
template <int Rows, int Wide, bool Add>
INLINE void product(const Left& left, const Right& right, int64_t depth, float* sums, int64_t stride) {
  Vector sum[Rows][Wide];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Wide; j++) sum[i][j] = Add ? load(sums + i * stride + j * kLanes) : Vector{};
  const float* b = right.at;
  for (int64_t segment = 0; segment < left.segments; segment++) {
    const float* a = left.at + segment * left.segmentStride;
    for (int64_t t = 0; t < depth; t++, a += left.depthStride, b += right.stride) {
      Vector columns[Wide];
#pragma GCC unroll 4
      for (int j = 0; j < Wide; j++) columns[j] = load(b + j * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < Wide; j++) sum[i][j] += a[i * left.rowStride] * columns[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Wide; j++) store(sums + i * stride + j * kLanes, sum[i][j]);
}

/** The same for a panel that is as wide as the others, or, the last one, a single vector. */
template <int Rows, bool Add>
INLINE void panelProduct(const Left& left, const Right& right, int64_t depth, float* sums, int64_t stride,
                         int64_t columns) {
  if (columns == kPanel) {
    product<Rows, kWide, Add>(left, right, depth, sums, stride);
  } else {
    product<Rows, 1, Add>(left, right, depth, sums, stride);
  }
}

}  // namespace RODADA_TARGET
