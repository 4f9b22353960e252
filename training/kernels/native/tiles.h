// Where a tile lies in the pictures, and how its cells are read: as they are, or from a gradient before pooling or ReLU.
#pragma once
#include "convolution.h"
#include "vector.h"

namespace RODADA_TARGET {

/** The grid of tiles over all outputs of a convolution, in reading order, picture by picture. */
struct Grid {
  int64_t rows, columns, pictures;

  Grid(int64_t height, int64_t width, int64_t batch, int64_t tile)
      : rows((height + tile - 1) / tile), columns((width + tile - 1) / tile), pictures(batch) {}
  int64_t tiles() const { return rows * columns * pictures; }
};

/** Zeros, for the cells outside of a picture. */
struct Zeros {
  static constexpr int64_t kMost = 4096;
  alignas(64) static inline const float floats[kMost] = {};
};

/** Cells of pictures as they are. */
template <int Cells>
class Plain {
 public:
  Plain(const float* values, int64_t height, int64_t width, int64_t channels)
      : values_(values), height_(height), width_(width), channels_(channels) {}

  /** Goes to a cell, which may lie outside. */
  INLINE void point(int cell, int64_t picture, int64_t y, int64_t x) {
    const bool inside = y >= 0 && y < height_ && x >= 0 && x < width_;
    cells_[cell] = inside ? values_ + ((picture * height_ + y) * width_ + x) * channels_ : Zeros::floats;
  }
  INLINE Vector read(int cell, int64_t channel) const { return load(cells_[cell] + channel); }

 private:
  const float* cells_[Cells];
  const float* values_;
  int64_t height_, width_, channels_;
};

/** Cells of a gradient, 0 where the outcome of ReLU is. */
template <int Cells>
class Masked {
 public:
  Masked(const float* values, const float* outcome, int64_t height, int64_t width, int64_t channels)
      : gradient_(values, height, width, channels), outcome_(outcome, height, width, channels) {}

  INLINE void point(int cell, int64_t picture, int64_t y, int64_t x) {
    gradient_.point(cell, picture, y, x);
    outcome_.point(cell, picture, y, x);
  }
  INLINE Vector read(int cell, int64_t channel) const {
    return choose(outcome_.read(cell, channel) > 0.0f, gradient_.read(cell, channel), Vector{});
  }

 private:
  Plain<Cells> gradient_, outcome_;
};

/** Cells of a gradient before pooling: 0 but where the maximum was. */
template <int Cells>
class Unpooled {
 public:
  /** @param height of the pooled gradient, as `width` */
  Unpooled(const float* values, const uint8_t* winners, int64_t height, int64_t width, int64_t channels)
      : values_(values), winners_(winners), height_(height), width_(width), channels_(channels) {}

  INLINE void point(int cell, int64_t picture, int64_t y, int64_t x) {
    const int64_t row = y >> 1, column = x >> 1;
    const bool inside = y >= 0 && row < height_ && x >= 0 && column < width_;
    const int64_t at = inside ? ((picture * height_ + row) * width_ + column) * channels_ : 0;
    cells_[cell] = inside ? values_ + at : Zeros::floats;
    winnersAt_[cell] = winners_ + at;
    places_[cell] = static_cast<int>((y & 1) * 2 + (x & 1));
  }
  INLINE Vector read(int cell, int64_t channel) const {
    const IntVector won = loadBytes(winnersAt_[cell] + channel) == places_[cell];
    return choose(won, load(cells_[cell] + channel), Vector{});
  }

 private:
  const float* cells_[Cells];
  const uint8_t* winnersAt_[Cells];
  int places_[Cells];
  const float* values_;
  const uint8_t* winners_;
  int64_t height_, width_, channels_;
};

/** Calls `work` with the cells of a gradient. */
template <int Cells, class Work>
void withCells(const rodada::Convolution& c, const rodada::Gradient& gradient, Work work) {
  const int64_t height = c.outHeight(), width = c.outWidth();
  if (gradient.winners != nullptr) {
    work(Unpooled<Cells>(gradient.values, gradient.winners, height / 2, width / 2, c.filters));
  } else if (gradient.outcome != nullptr) {
    work(Masked<Cells>(gradient.values, gradient.outcome, height, width, c.filters));
  } else {
    work(Plain<Cells>(gradient.values, height, width, c.filters));
  }
}

/** The outcome of ReLU and pooling, and which of the four it was; `kNone` where ReLU leaves nothing. */
struct Winner {
  Vector value;
  IntVector place;
};

/** Of equals the first wins, as in TensorFlow's MaxPool. */
INLINE Winner largest(Vector a, Vector b, Vector c, Vector d, Vector bias) {
  Vector value = a;
  IntVector place{};
  const Vector others[] = {b, c, d};
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++) {
    const IntVector better = others[i] > value;
    value = choose(better, others[i], value);
    place = better ? place * 0 + (i + 1) : place;
  }
  value += bias;
  const IntVector dead = value <= 0.0f;  // NaN is not: it must be seen
  return {choose(dead, Vector{}, value), dead ? place * 0 + rodada::kNone : place};
}

}  // namespace RODADA_TARGET
