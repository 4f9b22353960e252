// Batch normalization with the ReLU and the pooling after it, as TensorFlow operations for training.
//
// RodadaBatchNormReluPool           maps, gamma, beta -> output, winners, mean, variance, inverse
// RodadaBatchNormReluPoolGradient   maps, gamma, mean, inverse, gradient, winners
//                                   -> maps_gradient, gamma_gradient, beta_gradient
//
// The variance that is given is corrected for the batch's size (Bessel), as FusedBatchNormV3's, for the moving statistics.
#include <algorithm>

#include "call.h"
#include "operations.h"
#include "targets.h"

namespace rodada {
namespace {

void* create(TF_OpKernelConstruction* construction) {
  const Status status(TF_NewStatus());
  auto epsilon = std::make_unique<float>();
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", epsilon.get(), status.get());
  if (TF_GetCode(status.get()) == TF_OK) return epsilon.release();
  TF_OpKernelConstruction_Failure(construction, status.get());
  return nullptr;
}

void destroy(void* epsilon) { delete static_cast<float*>(epsilon); }

void* createNothing(TF_OpKernelConstruction*) { return nullptr; }
void destroyNothing(void*) {}

Normalization normalizationOf(const Tensor& maps) {
  require(TF_NumDims(maps.get()) == 4, "feature maps must have four dimensions");
  const Normalization n{size(maps, 0), size(maps, 1), size(maps, 2), size(maps, 3)};
  require(n.channels >= 16 && n.channels <= 4096 && n.channels % 16 == 0, "this number of channels is not supported");
  require(n.batch > 0 && n.height > 0 && n.width > 0, "there are no feature maps");
  return n;
}

/** A vector with a number for each channel. */
const float* channelsOf(const Tensor& tensor, const Normalization& n) {
  require(TF_TensorElementCount(tensor.get()) == n.channels, "statistics, gamma and beta must be [channels]");
  return floats(tensor);
}

void normalize(void* own, TF_OpKernelContext* context) {
  Call(context).run([own](Call& call) {
    const Tensor maps = call.input(0), gamma = call.input(1), beta = call.input(2);
    const Normalization n = normalizationOf(maps);
    const std::initializer_list<int64_t> pooled{n.batch, n.height / 2, n.width / 2, n.channels}, channels{n.channels};
    float* output = call.output<float>(0, TF_FLOAT, pooled);
    uint8_t* winners = call.output<uint8_t>(1, TF_UINT8, pooled);
    const Statistics statistics{call.output<float>(2, TF_FLOAT, channels), call.output<float>(3, TF_FLOAT, channels),
                                call.output<float>(4, TF_FLOAT, channels)};
    target().kernels->normalize(n, floats(maps), channelsOf(gamma, n), channelsOf(beta, n), *static_cast<float*>(own),
                                statistics, output, winners);
    const double count = static_cast<double>(n.perChannel());
    for (int64_t channel = 0; channel < n.channels; channel++)
      statistics.variance[channel] = static_cast<float>(statistics.variance[channel] * (count / std::max(1.0, count - 1)));
  });
}

void normalizeGradient(void*, TF_OpKernelContext* context) {
  Call(context).run([](Call& call) {
    const Normalization n = normalizationOf(call.input(0));
    // The maps' gradient takes their place, which no tensor of ours may hold meanwhile: nothing else needs them any more.
    float* mapsGradient = call.outputInPlace(0, 0, {n.batch, n.height, n.width, n.channels});
    const Tensor maps = call.input(0), gamma = call.input(1), mean = call.input(2), inverse = call.input(3);
    const Tensor gradient = call.input(4), winners = call.input(5);
    const int64_t pooled = n.batch * (n.height / 2) * (n.width / 2) * n.channels;
    require(TF_TensorElementCount(gradient.get()) == pooled && TF_TensorElementCount(winners.get()) == pooled,
            "gradient and winners must have the pooled shape");
    target().kernels->normalizeGradient(
        n, floats(maps), channelsOf(gamma, n), channelsOf(mean, n), channelsOf(inverse, n), floats(gradient),
        static_cast<const uint8_t*>(TF_TensorData(winners.get())), mapsGradient,
        call.output<float>(1, TF_FLOAT, {n.channels}), call.output<float>(2, TF_FLOAT, {n.channels}));
  });
}

}  // namespace

void defineNormalizations() {
  define({"RodadaBatchNormReluPool",
          {"epsilon: float"},
          {"maps: float", "gamma: float", "beta: float"},
          {"output: float", "winners: uint8", "mean: float", "variance: float", "inverse: float"},
          create,
          normalize,
          destroy});
  define({"RodadaBatchNormReluPoolGradient",
          {},
          {"maps: float", "gamma: float", "mean: float", "inverse: float", "gradient: float", "winners: uint8"},
          {"maps_gradient: float", "gamma_gradient: float", "beta_gradient: float"},
          createNothing,
          normalizeGradient,
          destroyNothing});
}

}  // namespace rodada
