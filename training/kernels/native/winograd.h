// Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products give what 144 give in a direct convolution.
//
// Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), equations 8 to 14. The polynomials are
// evaluated at 0, +-2/3, +-3/2 and infinity, not at 0, +-1, +-2 and infinity: that halves the rounding error
// (Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for DNNs", 2020, on such choices).
#pragma once
#include "vector.h"

namespace RODADA_TARGET {

/** Edge of a tile of outputs. */
constexpr int kTile = 4;
/** Edge of the tile of inputs that it takes. */
constexpr int kPatch = 6;
/** Products of a tile. */
constexpr int kPositions = kPatch * kPatch;

// The points +-p and +-q; p q = 1 leaves two coefficients out.
constexpr float kP = 2.0f / 3, kQ = 3.0f / 2;
constexpr float kP2 = kP * kP, kQ2 = kQ * kQ;
constexpr float kP3 = kP2 * kP, kQ3 = kQ2 * kQ;
constexpr float kSquares = 97.0f / 36;  // p^2 + q^2
// What the Lagrange polynomials are divided by: 2 p^2 (p^2 - q^2) at +-p, 2 q^2 (q^2 - p^2) at +-q, 1 elsewhere.
constexpr float kAtP = static_cast<float>(1 / (2 * (4.0 / 9) * (4.0 / 9 - 9.0 / 4)));
constexpr float kAtQ = static_cast<float>(1 / (2 * (9.0 / 4) * (9.0 / 4 - 4.0 / 9)));

/** Inputs: 6 values to 6 products (B^T). Strides are in vectors. */
INLINE void transformInput(const Vector* d, int from, Vector* v, int to) {
  const Vector d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from], d5 = d[5 * from];
  const Vector evenP = d4 - kQ2 * d2, oddP = kP * (d3 - kQ2 * d1);
  const Vector evenQ = d4 - kP2 * d2, oddQ = kQ * (d3 - kP2 * d1);
  v[0] = d0 + d4 - kSquares * d2;
  v[to] = evenP + oddP;
  v[2 * to] = evenP - oddP;
  v[3 * to] = evenQ + oddQ;
  v[4 * to] = evenQ - oddQ;
  v[5 * to] = d1 + d5 - kSquares * d3;
}

/** Products to outputs: 6 values to 4 (A^T). */
INLINE void transformOutput(const Vector* m, int from, Vector* y, int to) {
  const Vector plusP = m[from] + m[2 * from], minusP = m[from] - m[2 * from];
  const Vector plusQ = m[3 * from] + m[4 * from], minusQ = m[3 * from] - m[4 * from];
  y[0] = m[0] + plusP + plusQ;
  y[to] = kP * minusP + kQ * minusQ;
  y[2 * to] = kP2 * plusP + kQ2 * plusQ;
  y[3 * to] = kP3 * minusP + kQ3 * minusQ + m[5 * from];
}

/** A filter's 3 values to 6 (G). */
INLINE void transformFilter(const Vector* g, int from, Vector* u, int to) {
  const Vector g0 = g[0], g1 = g[from], g2 = g[2 * from];
  const Vector evenP = kAtP * (g0 + kP2 * g2), oddP = kAtP * kP * g1;
  const Vector evenQ = kAtQ * (g0 + kQ2 * g2), oddQ = kAtQ * kQ * g1;
  u[0] = g0;
  u[to] = evenP + oddP;
  u[2 * to] = evenP - oddP;
  u[3 * to] = evenQ + oddQ;
  u[4 * to] = evenQ - oddQ;
  u[5 * to] = g2;
}

// The filter's gradient is F(3 x 3, 4 x 4): inputs as above, a tile of the outputs' gradient in the filter's place.

/** The outputs' gradient: 4 values to 6, not divided by the denominators. */
INLINE void transformGradient(const Vector* g, int from, Vector* d, int to) {
  const Vector g0 = g[0], g1 = g[from], g2 = g[2 * from], g3 = g[3 * from];
  const Vector evenP = g0 + kP2 * g2, oddP = kP * (g1 + kP2 * g3);
  const Vector evenQ = g0 + kQ2 * g2, oddQ = kQ * (g1 + kQ2 * g3);
  d[0] = g0;
  d[to] = evenP + oddP;
  d[2 * to] = evenP - oddP;
  d[3 * to] = evenQ + oddQ;
  d[4 * to] = evenQ - oddQ;
  d[5 * to] = g3;
}

/** Products to the filter's gradient: 6 values to 3, with the denominators that `transformGradient` left out. */
INLINE void transformFilterGradient(const Vector* m, int from, Vector* g, int to) {
  const Vector plusP = kAtP * (m[from] + m[2 * from]), minusP = kAtP * (m[from] - m[2 * from]);
  const Vector plusQ = kAtQ * (m[3 * from] + m[4 * from]), minusQ = kAtQ * (m[3 * from] - m[4 * from]);
  g[0] = m[0] + plusP + plusQ;
  g[to] = kP * minusP + kQ * minusQ;
  g[2 * to] = kP2 * plusP + kQ2 * plusQ + m[5 * from];
}

/** Applies a transform to the columns and then the rows of a tile: `in[Rows][Rows]` to `out[Results][Results]`. */
template <int Rows, int Results, typename Transform>
INLINE void bothWays(const Vector* in, Vector* out, Transform transform) {
  Vector half[Results * Rows];
  for (int column = 0; column < Rows; column++) transform(in + column, Rows, half + column, Rows);
  for (int row = 0; row < Results; row++) transform(half + row * Rows, 1, out + row * Results, 1);
}

}  // namespace RODADA_TARGET
