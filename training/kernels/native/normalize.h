// Batch normalization, ReLU and pooling in one pass over the maps, and their gradient in two: what is before the pooling is never kept.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "normalization.h"
#include "threads.h"
#include "tiles.h"

namespace RODADA_TARGET {

using rodada::Lease;
using rodada::Normalization;
using rodada::Statistics;

/** Rows that a thread takes at a time; even, for pooling. */
constexpr int64_t kStrip = 16;

/**
 * Two sums for each channel over all of a tensor's rows, in a fixed order: each row's in float, those in double.
 * @param add adds a row's values to two vectors of sums, from (picture, row, channel)
 * @returns [2][channels]
 */
template <class Add>
std::vector<double> channelSums(Lease& lease, int64_t batch, int64_t rows, int64_t channels, Add add) {
  std::vector<double> pictures(batch * 2 * channels);
  lease.each(batch, 0, [&](int64_t picture, float*) {
    double* own = pictures.data() + picture * 2 * channels;
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t channel = 0; channel < channels; channel += kLanes) {
        Vector first{}, second{};
        add(picture, row, channel, first, second);
        for (int i = 0; i < kLanes; i++) {
          own[channel + i] += first[i];
          own[channels + channel + i] += second[i];
        }
      }
    }
  });
  std::vector<double> sums(2 * channels);
  for (int64_t picture = 0; picture < batch; picture++)
    for (int64_t i = 0; i < 2 * channels; i++) sums[i] += pictures[picture * 2 * channels + i];
  return sums;
}

/** The batch's mean and variance, from sums about a value that is near: a sum of squares about 0 would lose the digits. */
inline void measure(Lease& lease, const Normalization& n, const float* maps, float epsilon, const Statistics& to) {
  const int64_t channels = n.channels, line = n.width * channels;
  const auto sums = channelSums(
      lease, n.batch, n.height, channels,
      [&](int64_t picture, int64_t row, int64_t channel, Vector& sum, Vector& squares) {
        const Vector pivot = load(maps + channel);
        const float* at = maps + (picture * n.height + row) * line + channel;
        for (int64_t x = 0; x < n.width; x++) {
          const Vector off = load(at + x * channels) - pivot;
          sum += off;
          squares += off * off;
        }
      });
  const double count = static_cast<double>(n.perChannel());
  for (int64_t channel = 0; channel < channels; channel++) {
    const double off = sums[channel] / count;
    const double variance = std::max(0.0, sums[channels + channel] / count - off * off);
    to.mean[channel] = static_cast<float>(maps[channel] + off);
    // NaN, which max drops, must be seen.
    to.variance[channel] = static_cast<float>(std::isnan(off) ? off : variance);
    to.inverse[channel] = static_cast<float>(1 / std::sqrt(to.variance[channel] + static_cast<double>(epsilon)));
  }
}

/** Calls `work` for each strip of rows: (picture, first row, row after the last). */
template <class Work>
void eachStrip(Lease& lease, int64_t batch, int64_t rows, Work work) {
  const int64_t strips = (rows + kStrip - 1) / kStrip;
  lease.each(batch * strips, 0, [&](int64_t item, float*) {
    const int64_t first = item % strips * kStrip;
    work(item / strips, first, std::min(rows, first + kStrip));
  });
}

inline void normalize(const Normalization& n, const float* maps, const float* gamma, const float* beta, float epsilon,
                      const Statistics& statistics, float* outcome, uint8_t* winners) {
  Lease lease;
  measure(lease, n, maps, epsilon, statistics);
  const int64_t channels = n.channels, line = n.width * channels, width = n.width / 2;
  eachStrip(lease, n.batch, n.height / 2 * 2, [&](int64_t picture, int64_t first, int64_t end) {
    for (int64_t y = first; y < end; y += 2) {
      const float* upper = maps + (picture * n.height + y) * line;
      const int64_t to = (picture * (n.height / 2) + y / 2) * width * channels;
      for (int64_t channel = 0; channel < channels; channel += kLanes) {
        const Vector scale = load(gamma + channel) * load(statistics.inverse + channel);
        const Vector mean = load(statistics.mean + channel), shift = load(beta + channel);
        const auto value = [&](const float* at) { return (load(at) - mean) * scale + shift; };
        for (int64_t x = 0; x < width; x++) {
          const float *a = upper + 2 * x * channels + channel, *b = a + line;
          const Winner winner = largest(value(a), value(a + channels), value(b), value(b + channels), Vector{});
          store(outcome + to + x * channels + channel, winner.value);
          storeBytes(winners + to + x * channels + channel, winner.place);
        }
      }
    }
  });
}

inline void normalizeGradient(const Normalization& n, const float* maps, const float* gamma, const float* mean,
                              const float* inverse, const float* gradient, const uint8_t* winners, float* mapsGradient,
                              float* gammaGradient, float* betaGradient) {
  Lease lease;
  const int64_t channels = n.channels, line = n.width * channels;
  const int64_t height = n.height / 2, width = n.width / 2;
  // Of the gradient, and of its products with the normalized maps.
  const auto sums = channelSums(
      lease, n.batch, height, channels, [&](int64_t picture, int64_t row, int64_t channel, Vector& sum, Vector& products) {
        const Vector centre = load(mean + channel), scale = load(inverse + channel);
        const float* upper = maps + (picture * n.height + 2 * row) * line + channel;
        const int64_t at = (picture * height + row) * width * channels + channel;
        for (int64_t x = 0; x < width; x++) {
          const Vector given = load(gradient + at + x * channels);
          const IntVector place = loadBytes(winners + at + x * channels);
          const float* corner = upper + 2 * x * channels;
          Vector own = load(corner);
          own = choose(place == 1, load(corner + channels), own);
          own = choose(place == 2, load(corner + line), own);
          own = choose(place == 3, load(corner + line + channels), own);
          const Vector counted = choose(place == rodada::kNone, Vector{}, given);
          sum += counted;
          products += counted * ((own - centre) * scale);
        }
      });
  std::vector<float> meanGradient(channels), meanProduct(channels);
  for (int64_t channel = 0; channel < channels; channel++) {
    betaGradient[channel] = static_cast<float>(sums[channel]);
    gammaGradient[channel] = static_cast<float>(sums[channels + channel]);
    meanGradient[channel] = static_cast<float>(sums[channel] / static_cast<double>(n.perChannel()));
    meanProduct[channel] = static_cast<float>(sums[channels + channel] / static_cast<double>(n.perChannel()));
  }
  eachStrip(lease, n.batch, n.height, [&](int64_t picture, int64_t first, int64_t end) {
    Unpooled<1> given(gradient, winners, height, width, channels);
    for (int64_t y = first; y < end; y++) {
      const int64_t row = (picture * n.height + y) * line;
      for (int64_t x = 0; x < n.width; x++) {
        given.point(0, picture, y, x);
        const int64_t at = row + x * channels;
        for (int64_t channel = 0; channel < channels; channel += kLanes) {
          const Vector scale = load(inverse + channel);
          const Vector normalized = (load(maps + at + channel) - load(mean + channel)) * scale;
          const Vector less = load(meanGradient.data() + channel) + normalized * load(meanProduct.data() + channel);
          store(mapsGradient + at + channel, load(gamma + channel) * scale * (given.read(0, channel) - less));
        }
      }
    }
  });
}

}  // namespace RODADA_TARGET
