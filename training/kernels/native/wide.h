// Convolutions of many channels, by Winograd's minimal filtering: blocks of tiles are transformed, multiplied position by
// position and transformed back while they are in the cache.
#pragma once
#include <algorithm>

#include "convolution.h"
#include "product.h"
#include "threads.h"
#include "tiles.h"
#include "winograd.h"

namespace RODADA_TARGET {

using rodada::Convolution;
using rodada::Epilogue;
using rodada::Gradient;
using rodada::Lease;

/** Between positions, so that a tile's values of all positions don't meet in one set of the cache. */
constexpr int64_t kSpread = 16;
/** Columns that are multiplied before they are transformed back. */
constexpr int64_t kColumns = 64;

/** Moves the cells of a source to a tile. */
template <int Edge, class Cells>
INLINE void pointAt(Cells& cells, const Grid& grid, int64_t tile, int64_t offset) {
  const int64_t column = tile % grid.columns, row = tile / grid.columns % grid.rows;
  const int64_t picture = tile / grid.columns / grid.rows;
  const int64_t y = row * kTile - offset, x = column * kTile - offset;
  for (int i = 0; i < Edge; i++)
    for (int j = 0; j < Edge; j++) cells.point(i * Edge + j, picture, y + i, x + j);
}

/** Transforms the inputs of tiles to `[position][tile][channel]`, positions `stride` apart. */
template <class Cells>
void transformPatches(Cells& cells, const Grid& grid, int64_t first, int64_t count, int64_t offset, int64_t channels,
                      float* to, int64_t stride) {
  for (int64_t tile = 0; tile < count; tile++, to += channels) {
    pointAt<kPatch>(cells, grid, first + tile, offset);
    for (int64_t channel = 0; channel < channels; channel += kLanes) {
      Vector in[kPositions], out[kPositions];
#pragma GCC unroll 36
      for (int i = 0; i < kPositions; i++) in[i] = cells.read(i, channel);
      bothWays<kPatch, kPatch>(in, out, transformInput);
#pragma GCC unroll 36
      for (int i = 0; i < kPositions; i++) store(to + i * stride + channel, out[i]);
    }
  }
}

/** The same for tiles of the outputs' gradient, and adds their sums to `sums [filters]`. */
template <class Cells>
void transformGradients(Cells& cells, const Grid& grid, int64_t first, int64_t count, int64_t filters, float* to,
                        int64_t stride, float* sums) {
  for (int64_t tile = 0; tile < count; tile++, to += filters) {
    pointAt<kTile>(cells, grid, first + tile, 0);
    for (int64_t filter = 0; filter < filters; filter += kLanes) {
      Vector in[kTile * kTile], out[kPositions], sum{};
#pragma GCC unroll 16
      for (int i = 0; i < kTile * kTile; i++) {
        in[i] = cells.read(i, filter);
        sum += in[i];
      }
      store(sums + filter, load(sums + filter) + sum);
      bothWays<kTile, kPatch>(in, out, transformGradient);
#pragma GCC unroll 36
      for (int i = 0; i < kPositions; i++) store(to + i * stride + filter, out[i]);
    }
  }
}

/** Where a matrix' columns from `column` on begin, in panels of `[depth][kPanel or, in the last one, fewer]`. */
INLINE int64_t panelAt(int64_t column, int64_t depth) { return column * depth; }

INLINE int64_t panelWidth(int64_t column, int64_t columns) { return std::min<int64_t>(kPanel, columns - column); }

/**
 * A kernel's transform as `[position][panel][channel][filter in the panel]`.
 * @param read gives a vector of filters, from (y, x, channel, filter)
 */
template <class Read>
void transformKernel(Lease& lease, int64_t channels, int64_t filters, Read read, float* to) {
  lease.each((channels + 15) / 16, 0, [&](int64_t item, float*) {
    for (int64_t channel = item * 16; channel < std::min(channels, item * 16 + 16); channel++) {
      for (int64_t filter = 0; filter < filters; filter += kLanes) {
        Vector in[9], out[kPositions];
        for (int i = 0; i < 9; i++) in[i] = read(i / 3, i % 3, channel, filter);
        bothWays<3, kPatch>(in, out, transformFilter);
        const int64_t panel = filter / kPanel * kPanel, width = panelWidth(panel, filters);
        float* at = to + panelAt(panel, channels) + channel * width + filter - panel;
        for (int i = 0; i < kPositions; i++) store(at + i * channels * filters, out[i]);
      }
    }
  });
}

/** Transforms products back, `[position][tile][column]`, and stores the tiles' outputs. */
template <bool Pooled>
void storeTiles(const Convolution& c, const Grid& grid, int64_t first, int64_t count, int64_t column, int64_t columns,
                const float* from, int64_t stride, const Epilogue& epilogue, float* outcome) {
  const int64_t filters = c.filters;
  const int64_t height = c.outHeight() / (Pooled ? 2 : 1), width = c.outWidth() / (Pooled ? 2 : 1);
  constexpr int kEdge = Pooled ? kTile / 2 : kTile;
  for (int64_t tile = 0; tile < count; tile++, from += columns) {
    const int64_t at = first + tile;
    const int64_t left = at % grid.columns * kEdge, top = at / grid.columns % grid.rows * kEdge;
    const int64_t picture = at / grid.columns / grid.rows;
    const int rows = static_cast<int>(std::min<int64_t>(kEdge, height - top));
    const int across = static_cast<int>(std::min<int64_t>(kEdge, width - left));
    const int64_t corner = ((picture * height + top) * width + left) * filters + column;
    for (int64_t own = 0; own < columns; own += kLanes) {
      Vector in[kPositions], out[kTile * kTile];
#pragma GCC unroll 36
      for (int i = 0; i < kPositions; i++) in[i] = load(from + i * stride + own);
      bothWays<kPatch, kTile>(in, out, transformOutput);
      const Vector bias = epilogue.bias == nullptr ? Vector{} : load(epilogue.bias + column + own);
      if constexpr (Pooled) {
        for (int i = 0; i < rows; i++)
          for (int j = 0; j < across; j++) {
            const Vector* window = out + 2 * i * kTile + 2 * j;
            const Winner winner = largest(window[0], window[1], window[kTile], window[kTile + 1], bias);
            const int64_t to = corner + own + (i * width + j) * filters;
            store(outcome + to, winner.value);
            storeBytes(epilogue.winners + to, winner.place);
          }
      } else {
        for (int i = 0; i < rows; i++)
          for (int j = 0; j < across; j++) {
            const Vector sum = out[i * kTile + j] + bias;
            store(outcome + corner + own + (i * width + j) * filters,
                  epilogue.relu ? relu(sum) : sum);
          }
      }
    }
  }
}

/** Tiles of a block: many where they go through a large kernel, few where their own values should stay in the cache. */
inline int64_t tilesAtOnce(int64_t channels, int64_t filters) {
  const int64_t kernel = channels * filters * kPositions;
  const int64_t rows = kernel <= (int64_t{1} << 18) ? 24 : kernel <= (int64_t{1} << 20) ? 48 : 192;
  return (rows + kRows - 1) / kRows * kRows;
}

/**
 * Convolves cells with a transformed kernel.
 * @param kernel as `transformKernel` makes it
 */
template <class Cells>
void convolveWide(Lease& lease, const Convolution& c, const Cells& source, const float* kernel, const Epilogue& epilogue,
                  float* outcome) {
  const Grid grid(c.outHeight(), c.outWidth(), c.batch, kTile);
  const int64_t tiles = tilesAtOnce(c.channels, c.filters);
  const int64_t inStride = tiles * c.channels + kSpread, outStride = tiles * kColumns + kSpread;
  lease.each((grid.tiles() + tiles - 1) / tiles, kPositions * (inStride + outStride), [&](int64_t block, float* in) {
    float* out = in + kPositions * inStride;
    const int64_t first = block * tiles, count = std::min(tiles, grid.tiles() - first);
    Cells cells = source;
    transformPatches(cells, grid, first, count, c.padding, c.channels, in, inStride);
    for (int64_t column = 0; column < c.filters; column += kColumns) {
      const int64_t columns = std::min(kColumns, c.filters - column);
      for (int position = 0; position < kPositions; position++) {
        const float* own = kernel + position * c.channels * c.filters;
        for (int64_t panel = column; panel < column + columns; panel += kPanel) {
          const int64_t width = panelWidth(panel, c.filters);
          const Right right{own + panelAt(panel, c.channels), width};
          // The last rows of a block that isn't full multiply what is left there from before; nobody reads that.
          for (int64_t tile = 0; tile < count; tile += kRows) {
            const Left left{in + position * inStride + tile * c.channels, c.channels, 1};
            float* sums = out + position * outStride + tile * columns + panel - column;
            panelProduct<kRows, false>(left, right, c.channels, sums, columns, width);
          }
        }
      }
      if (epilogue.winners != nullptr) {
        storeTiles<true>(c, grid, first, count, column, columns, out, outStride, epilogue, outcome);
      } else {
        storeTiles<false>(c, grid, first, count, column, columns, out, outStride, epilogue, outcome);
      }
    }
  });
}

inline void forwardWide(const Convolution& c, const float* pictures, const float* kernel, const Epilogue& epilogue,
                        float* outcome) {
  Lease lease;
  float* transformed = lease.shared(kPositions * c.channels * c.filters);
  const auto read = [&](int64_t y, int64_t x, int64_t channel, int64_t filter) {
    return load(kernel + ((y * 3 + x) * c.channels + channel) * c.filters + filter);
  };
  transformKernel(lease, c.channels, c.filters, read, transformed);
  const Plain<kPositions> source(pictures, c.height, c.width, c.channels);
  convolveWide(lease, c, source, transformed, epilogue, outcome);
}

/** Convolves the outputs' gradient with the kernel turned around, its channels and filters exchanged. */
inline void inputGradientWide(const Convolution& c, const Gradient& gradient, const float* kernel, float* to) {
  Lease lease;
  float* transformed = lease.shared(kPositions * c.channels * c.filters);
  const auto read = [&](int64_t y, int64_t x, int64_t filter, int64_t channel) {
    const float* from = kernel + (((2 - y) * 3 + 2 - x) * c.channels + channel) * c.filters + filter;
    Vector vector;
    for (int i = 0; i < kLanes; i++) vector[i] = from[i * c.filters];
    return vector;
  };
  transformKernel(lease, c.filters, c.channels, read, transformed);
  const Convolution back{c.batch, c.outHeight(), c.outWidth(), c.filters, c.channels, 2 - c.padding};
  withCells<kPositions>(c, gradient, [&](const auto& source) {
    convolveWide(lease, back, source, transformed, Epilogue{nullptr, false, nullptr}, to);
  });
}

/**
 * A gradient below this share of the largest of its sums is taken for 0. Where it is 0, since what a filter saw there
 * always was, the transforms leave their rounding errors, and Adam and its kin, which divide by the gradient's size, would
 * take them for a direction.
 */
constexpr float kNoise = 5e-7f;

/** Rows of the sums of a filter's gradient; 16 is a multiple. */
constexpr int kGradientRows = kRows == 12 ? 8 : 4;

/**
 * Sums the products of inputs and gradients over all tiles, in parts whose number doesn't depend on the threads', and
 * transforms them back.
 */
inline void filterGradientWide(const Convolution& c, const float* pictures, const Gradient& gradient, float* kernel,
                               float* bias) {
  Lease lease;
  const Grid grid(c.outHeight(), c.outWidth(), c.batch, kTile);
  const int64_t parts = std::clamp<int64_t>(grid.tiles() / 192, 1, 32);
  const int64_t perPart = (grid.tiles() + parts - 1) / parts;
  const int64_t tiles = std::min<int64_t>(32, perPart);
  const int64_t products = c.channels * c.filters;
  const int64_t partFloats = kPositions * products + c.filters;
  float* sums = lease.shared(parts * partFloats);
  const int64_t inStride = tiles * c.channels + kSpread, outStride = tiles * c.filters + kSpread;
  withCells<kTile * kTile>(c, gradient, [&](const auto& source) {
    lease.each(parts, kPositions * (inStride + outStride), [&](int64_t part, float* in) {
      float* out = in + kPositions * inStride;
      float* own = sums + part * partFloats;
      std::fill(own, own + partFloats, 0.0f);
      Plain<kPositions> patches(pictures, c.height, c.width, c.channels);
      auto gradients = source;
      const int64_t end = std::min(grid.tiles(), (part + 1) * perPart);
      for (int64_t first = part * perPart; first < end; first += tiles) {
        const int64_t count = std::min(tiles, end - first);
        transformPatches(patches, grid, first, count, c.padding, c.channels, in, inStride);
        transformGradients(gradients, grid, first, count, c.filters, out, outStride, own + kPositions * products);
        for (int position = 0; position < kPositions; position++) {
          for (int64_t panel = 0; panel < c.filters; panel += kPanel) {
            const int64_t width = panelWidth(panel, c.filters);
            const Right right{out + position * outStride + panel, c.filters};
            float* to = own + position * products + panelAt(panel, c.channels);
            for (int64_t channel = 0; channel < c.channels; channel += kGradientRows) {
              const Left left{in + position * inStride + channel, 1, c.channels};
              panelProduct<kGradientRows, true>(left, right, count, to + channel * width, width, width);
            }
          }
        }
      }
    });
  });
  lease.each(c.channels / 16, 0, [&](int64_t item, float*) {
    for (int64_t channel = item * 16; channel < item * 16 + 16; channel++) {
      for (int64_t filter = 0; filter < c.filters; filter += kLanes) {
        const int64_t panel = filter / kPanel * kPanel, width = panelWidth(panel, c.filters);
        const float* at = sums + panelAt(panel, c.channels) + channel * width + filter - panel;
        Vector in[kPositions], out[9];
        for (int i = 0; i < kPositions; i++) {
          in[i] = load(at + i * products);
          for (int64_t part = 1; part < parts; part++) in[i] += load(at + part * partFloats + i * products);
        }
        bothWays<kPatch, 3>(in, out, transformFilterGradient);
        Vector most{};
        for (int i = 0; i < kPositions; i++) most = absolute(in[i]) > most ? absolute(in[i]) : most;
        for (int i = 0; i < 9; i++) {
          const Vector own = absolute(out[i]) < kNoise * most ? Vector{} : out[i];
          store(kernel + (i * c.channels + channel) * c.filters + filter, own);
        }
      }
    }
  });
  if (bias == nullptr) return;
  for (int64_t filter = 0; filter < c.filters; filter++) {
    bias[filter] = 0;
    for (int64_t part = 0; part < parts; part++) bias[filter] += sums[part * partFloats + kPositions * products + filter];
  }
}

}  // namespace RODADA_TARGET
