// Convolutions of at most four channels, such as of pictures: directly, row by row.
#pragma once
#include <algorithm>

#include "convolution.h"
#include "product.h"
#include "threads.h"
#include "tiles.h"

namespace RODADA_TARGET {

using rodada::Convolution;
using rodada::Epilogue;
using rodada::Gradient;
using rodada::Lease;

/** Rows of outputs that a thread takes at a time; even, for pooling. */
constexpr int64_t kBand = 8;

/**
 * Rows of a picture with zeros around, `[rows][width + 2 padding][channels]`, and room behind for what is multiplied for
 * nothing.
 */
struct PaddedRows {
  int64_t stride, floats;

  PaddedRows(const Convolution& c, int64_t rows)
      : stride((c.width + 2 * c.padding) * c.channels), floats(rows * stride + kRows * c.channels) {}

  /** Copies `rows` rows from row `top` on, which may lie outside. */
  void copy(const Convolution& c, const float* pictures, int64_t picture, int64_t top, int64_t rows, float* to) const {
    const int64_t line = c.width * c.channels, border = c.padding * c.channels;
    for (int64_t row = 0; row < rows; row++) {
      float* at = to + row * stride;
      const int64_t y = top + row;
      if (y < 0 || y >= c.height) {
        std::fill(at, at + stride, 0.0f);
        continue;
      }
      std::fill(at, at + border, 0.0f);
      std::copy_n(pictures + (picture * c.height + y) * line, line, at + border);
      std::fill(at + border + line, at + stride, 0.0f);
    }
  }
};

/** Stores a row of kRows outputs, of which `count` exist. */
INLINE void storeRow(const float* sums, int64_t columns, int64_t count, int64_t filters, const float* bias, bool rectified,
                     float* to) {
  for (int64_t column = 0; column < columns; column += kLanes) {
    const Vector own = bias == nullptr ? Vector{} : load(bias + column);
    for (int64_t i = 0; i < count; i++) {
      const Vector sum = load(sums + i * kPanel + column) + own;
      store(to + i * filters + column, rectified ? relu(sum) : sum);
    }
  }
}

inline void forwardNarrow(const Convolution& c, const float* pictures, const float* kernel, const Epilogue& epilogue,
                          float* outcome) {
  Lease lease;
  const int64_t height = c.outHeight(), width = c.outWidth(), filters = c.filters;
  const int64_t bands = (height + kBand - 1) / kBand;
  const bool pooled = epilogue.winners != nullptr;
  const PaddedRows padded(c, kBand + 2);
  lease.each(c.batch * bands, padded.floats, [&](int64_t item, float* rows) {
    const int64_t picture = item / bands, top = item % bands * kBand;
    const int64_t count = std::min(kBand, height - top);
    padded.copy(c, pictures, picture, top - c.padding, count + 2, rows);
    alignas(64) float sums[2][kRows * kPanel];
    const auto convolve = [&](int64_t y, int64_t x, int64_t panel, int64_t columns, float* to) {
      const Left left{rows + y * padded.stride + x * c.channels, c.channels, 1, 3, padded.stride};
      panelProduct<kRows, false>(left, Right{kernel + panel, filters}, 3 * c.channels, to, kPanel, columns);
    };
    for (int64_t panel = 0; panel < filters; panel += kPanel) {
      const int64_t columns = std::min<int64_t>(kPanel, filters - panel);
      const float* bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + panel;
      if (!pooled) {
        for (int64_t y = 0; y < count; y++)
          for (int64_t x = 0; x < width; x += kRows) {
            convolve(y, x, panel, columns, sums[0]);
            float* to = outcome + ((picture * height + top + y) * width + x) * filters + panel;
            storeRow(sums[0], columns, std::min<int64_t>(kRows, width - x), filters, bias, epilogue.relu, to);
          }
        continue;
      }
      for (int64_t y = 0; y + 1 < count; y += 2)
        for (int64_t x = 0; x + 1 < width; x += kRows) {
          convolve(y, x, panel, columns, sums[0]);
          convolve(y + 1, x, panel, columns, sums[1]);
          const int64_t pairs = std::min<int64_t>(kRows, width - x) / 2;
          const int64_t corner = ((picture * (height / 2) + (top + y) / 2) * (width / 2) + x / 2) * filters + panel;
          for (int64_t column = 0; column < columns; column += kLanes) {
            const Vector own = bias == nullptr ? Vector{} : load(bias + column);
            for (int64_t i = 0; i < pairs; i++) {
              const float *upper = sums[0] + 2 * i * kPanel + column, *lower = sums[1] + 2 * i * kPanel + column;
              const Winner winner = largest(load(upper), load(upper + kPanel), load(lower), load(lower + kPanel), own);
              store(outcome + corner + i * filters + column, winner.value);
              storeBytes(epilogue.winners + corner + i * filters + column, winner.place);
            }
          }
        }
    }
  });
}

/** Adds the products of a row's inputs and gradients to `sums [3 channels][columns]`. */
template <int Channels>
INLINE void addRow(const float* row, const float* gradients, int64_t width, float* sums, int64_t columns) {
  constexpr int kTaps = 3 * Channels;
  constexpr int kAtOnce = kRows == 12 ? kTaps : 3;
  for (int tap = 0; tap < kTaps; tap += kAtOnce) {
    const Left left{row + tap, 1, Channels};
    panelProduct<kAtOnce, true>(left, Right{gradients, kPanel}, width, sums + tap * kPanel, kPanel, columns);
  }
}

inline void addRow(int64_t channels, const float* row, const float* gradients, int64_t width, float* sums, int64_t columns) {
  if (channels == 1) addRow<1>(row, gradients, width, sums, columns);
  if (channels == 2) addRow<2>(row, gradients, width, sums, columns);
  if (channels == 3) addRow<3>(row, gradients, width, sums, columns);
  if (channels == 4) addRow<4>(row, gradients, width, sums, columns);
}

/** Sums over the pictures, in parts whose number doesn't depend on the threads', each of them picture by picture. */
inline void filterGradientNarrow(const Convolution& c, const float* pictures, const Gradient& gradient, float* kernel,
                                 float* bias) {
  Lease lease;
  const int64_t height = c.outHeight(), width = c.outWidth(), filters = c.filters, taps = 9 * c.channels;
  const int64_t panels = (filters + kPanel - 1) / kPanel;
  const int64_t pictureFloats = panels * (taps + 1) * kPanel;
  float* sums = lease.shared(c.batch * pictureFloats);
  const PaddedRows padded(c, height + 2);
  withCells<1>(c, gradient, [&](const auto& source) {
    lease.each(c.batch, padded.floats + width * kPanel, [&](int64_t picture, float* rows) {
      float* gradients = rows + padded.floats;
      padded.copy(c, pictures, picture, -c.padding, c.height + 2 * c.padding, rows);
      auto cell = source;
      for (int64_t panel = 0; panel < panels; panel++) {
        float* own = sums + picture * pictureFloats + panel * (taps + 1) * kPanel;
        std::fill(own, own + (taps + 1) * kPanel, 0.0f);
        const int64_t columns = std::min<int64_t>(kPanel, filters - panel * kPanel);
        for (int64_t y = 0; y < height; y++) {
          for (int64_t x = 0; x < width; x++) {
            cell.point(0, picture, y, x);
            for (int64_t column = 0; column < columns; column += kLanes) {
              const Vector value = cell.read(0, panel * kPanel + column);
              float* sum = own + taps * kPanel + column;
              store(gradients + x * kPanel + column, value);
              store(sum, load(sum) + value);
            }
          }
          for (int64_t tap = 0; tap < 3; tap++) {
            addRow(c.channels, rows + (y + tap) * padded.stride, gradients, width, own + tap * 3 * c.channels * kPanel,
                   columns);
          }
        }
      }
    });
  });
  for (int64_t tap = 0; tap <= taps; tap++) {
    float* to = tap < taps ? kernel + tap * filters : bias;
    if (to == nullptr) continue;
    for (int64_t filter = 0; filter < filters; filter++) {
      const float* from = sums + (filter / kPanel * (taps + 1) + tap) * kPanel + filter % kPanel;
      float sum = 0;
      for (int64_t picture = 0; picture < c.batch; picture++) sum += from[picture * pictureFloats];
      to[filter] = sum;
    }
  }
}

}  // namespace RODADA_TARGET
