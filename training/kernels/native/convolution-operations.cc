// The convolutions as TensorFlow operations.
//
// RodadaConv3x3                 input, kernel, bias* -> output
// RodadaConv3x3Pool             input, kernel, bias* -> output, winners
// RodadaConv3x3InputGradient    input_sizes, kernel, gradient, mask* -> gradient
// RodadaConv3x3FilterGradient   input, gradient, mask* -> kernel_gradient, bias_gradient
//
// A * marks what there may be none or one of. A mask is the ReLU's outcome (float), where the gradient is of that, or the
// winners (uint8), where it is of the pooled outcome.
#include "call.h"
#include "operations.h"
#include "targets.h"

namespace rodada {
namespace {

/** The attributes, read when the operation is made. */
struct Attributes {
  int32_t padding = 0;
  bool relu = false;
};

template <bool HasRelu>
void* create(TF_OpKernelConstruction* construction) {
  const Status status(TF_NewStatus());
  auto attributes = std::make_unique<Attributes>();
  TF_OpKernelConstruction_GetAttrInt32(construction, "padding", &attributes->padding, status.get());
  if constexpr (HasRelu) {
    unsigned char relu = 0;
    if (TF_GetCode(status.get()) == TF_OK)
      TF_OpKernelConstruction_GetAttrBool(construction, "relu", &relu, status.get());
    attributes->relu = relu != 0;
  }
  if (TF_GetCode(status.get()) != TF_OK) {
    TF_OpKernelConstruction_Failure(construction, status.get());
    return nullptr;
  }
  return attributes.release();
}

void destroy(void* attributes) { delete static_cast<Attributes*>(attributes); }

const Attributes& attributesOf(void* own) { return *static_cast<Attributes*>(own); }

Convolution checked(const Convolution& c) {
  require(supportedChannels(c.channels) && supportedFilters(c.filters), "these channels or filters are not supported");
  require(c.padding == 0 || c.padding == 1, "padding must be 0 or 1");
  require(c.outHeight() > 0 && c.outWidth() > 0, "the pictures are too small");
  return c;
}

/** From pictures [batch, height, width, channels] and a kernel [3, 3, channels, filters]. */
Convolution convolutionOf(const Tensor& input, const Tensor& kernel, const Attributes& attributes) {
  require(TF_NumDims(input.get()) == 4 && TF_NumDims(kernel.get()) == 4, "input and kernel must have four dimensions");
  require(size(kernel, 0) == 3 && size(kernel, 1) == 3 && size(kernel, 2) == size(input, 3),
          "the kernel must be [3, 3, channels, filters]");
  return checked(
      {size(input, 0), size(input, 1), size(input, 2), size(input, 3), size(kernel, 3), attributes.padding});
}

const float* biasOf(const Tensor& bias, const Convolution& c) {
  if (bias == nullptr) return nullptr;
  require(TF_TensorElementCount(bias.get()) == c.filters, "the bias must be [filters]");
  return floats(bias);
}

void forward(void* own, TF_OpKernelContext* context) {
  Call(context).run([own](Call& call) {
    const Tensor input = call.input(0), kernel = call.input(1), bias = call.optional(2);
    const Convolution c = convolutionOf(input, kernel, attributesOf(own));
    float* output = call.output<float>(0, TF_FLOAT, {c.batch, c.outHeight(), c.outWidth(), c.filters});
    const Epilogue epilogue{biasOf(bias, c), attributesOf(own).relu, nullptr};
    target().kernels->convolve(c, floats(input), floats(kernel), epilogue, output);
  });
}

void forwardPooled(void* own, TF_OpKernelContext* context) {
  Call(context).run([own](Call& call) {
    const Tensor input = call.input(0), kernel = call.input(1), bias = call.optional(2);
    const Convolution c = convolutionOf(input, kernel, attributesOf(own));
    const std::initializer_list<int64_t> shape{c.batch, c.outHeight() / 2, c.outWidth() / 2, c.filters};
    float* output = call.output<float>(0, TF_FLOAT, shape);
    uint8_t* winners = call.output<uint8_t>(1, TF_UINT8, shape);
    target().kernels->convolve(c, floats(input), floats(kernel), Epilogue{biasOf(bias, c), true, winners}, output);
  });
}

/** A gradient with its mask, of the shape that the convolution's outcome has. */
Gradient gradientOf(const Tensor& values, const Tensor& mask, const Convolution& c) {
  const bool pooled = mask != nullptr && TF_TensorType(mask.get()) == TF_UINT8;
  const int64_t pool = pooled ? 2 : 1;
  const int64_t elements = c.batch * (c.outHeight() / pool) * (c.outWidth() / pool) * c.filters;
  require(TF_TensorElementCount(values.get()) == elements, "the gradient must have the outcome's shape");
  require(mask == nullptr || TF_TensorElementCount(mask.get()) == elements, "the mask must have the gradient's shape");
  return {floats(values), pooled ? static_cast<const uint8_t*>(TF_TensorData(mask.get())) : nullptr,
          pooled || mask == nullptr ? nullptr : floats(mask)};
}

void inputGradient(void* own, TF_OpKernelContext* context) {
  Call(context).run([own](Call& call) {
    const Tensor sizes = call.input(0), kernel = call.input(1), values = call.input(2), mask = call.optional(3);
    require(TF_TensorElementCount(sizes.get()) == 4, "input_sizes must have four elements");
    const auto* input = static_cast<const int32_t*>(TF_TensorData(sizes.get()));
    const Convolution c =
        checked({input[0], input[1], input[2], size(kernel, 2), size(kernel, 3), attributesOf(own).padding});
    require(supportedFilters(c.channels), "an input's gradient needs a multiple of 16 channels");
    const Gradient gradient = gradientOf(values, mask, c);
    float* output = call.output<float>(0, TF_FLOAT, {c.batch, c.height, c.width, c.channels});
    target().kernels->inputGradient(c, gradient, floats(kernel), output);
  });
}

void filterGradient(void* own, TF_OpKernelContext* context) {
  Call(context).run([own](Call& call) {
    const Tensor input = call.input(0), values = call.input(1), mask = call.optional(2);
    const Convolution c = checked({size(input, 0), size(input, 1), size(input, 2), size(input, 3), size(values, 3),
                                   attributesOf(own).padding});
    const Gradient gradient = gradientOf(values, mask, c);
    float* kernel = call.output<float>(0, TF_FLOAT, {3, 3, c.channels, c.filters});
    float* bias = call.output<float>(1, TF_FLOAT, {c.filters});
    target().kernels->filterGradient(c, floats(input), gradient, kernel, bias);
  });
}

}  // namespace

void defineConvolutions() {
  const char *padding = "padding: int", *biases = "biases: int >= 0", *masks = "masks: int >= 0";
  const char* maskType = "M: {float, uint8} = DT_FLOAT";
  const Definition definitions[] = {
      {"RodadaConv3x3",
       {padding, "relu: bool", biases},
       {"input: float", "kernel: float", "bias: biases * float"},
       {"output: float"},
       create<true>,
       forward,
       destroy},
      {"RodadaConv3x3Pool",
       {padding, biases},
       {"input: float", "kernel: float", "bias: biases * float"},
       {"output: float", "winners: uint8"},
       create<false>,
       forwardPooled,
       destroy},
      {"RodadaConv3x3InputGradient",
       {padding, masks, maskType},
       {"input_sizes: int32", "kernel: float", "gradient: float", "mask: masks * M"},
       {"input_gradient: float"},
       create<false>,
       inputGradient,
       destroy},
      {"RodadaConv3x3FilterGradient",
       {padding, masks, maskType},
       {"input: float", "gradient: float", "mask: masks * M"},
       {"kernel_gradient: float", "bias_gradient: float"},
       create<false>,
       filterGradient,
       destroy},
  };
  for (const Definition& definition : definitions) define(definition);
}

}  // namespace rodada
