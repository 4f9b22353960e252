// What an operation sees of TensorFlow's C API for kernels: its operands, its outputs, its failure, and how it is defined.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace rodada {

struct Release {
  void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
  void operator()(TF_Status* status) const { TF_DeleteStatus(status); }
};
using Tensor = std::unique_ptr<TF_Tensor, Release>;
using Status = std::unique_ptr<TF_Status, Release>;

/** What ends an operation: it becomes TensorFlow's status. */
struct Failure {
  TF_Code code;
  std::string message;
};

inline void require(bool condition, const char* what) {
  if (!condition) throw Failure{TF_INVALID_ARGUMENT, what};
}

/** One call of an operation. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}

  Tensor input(int index) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, index, &tensor, status_.get());
    check();
    return Tensor(tensor);
  }

  template <typename Element>
  Element* output(int index, TF_DataType type, std::initializer_list<int64_t> shape) {
    int64_t elements = 1;
    for (const int64_t size : shape) elements *= size;
    Tensor tensor(TF_AllocateOutput(context_, index, type, shape.begin(), static_cast<int>(shape.size()),
                                    elements * sizeof(Element), status_.get()));
    check();
    return static_cast<Element*>(TF_TensorData(tensor.get()));
  }

  /** An output in the place of an operand of its shape that nothing else needs, else one of its own. */
  float* outputInPlace(int index, int operand, std::initializer_list<int64_t> shape) {
    int forwarded = -1;
    Tensor tensor(TF_ForwardInputOrAllocateOutput(context_, &operand, 1, index, shape.begin(),
                                                  static_cast<int>(shape.size()), &forwarded, status_.get()));
    check();
    return static_cast<float*>(TF_TensorData(tensor.get()));
  }

  /** The operand at `index`, if there is one. */
  Tensor optional(int index) { return index < TF_NumInputs(context_) ? input(index) : nullptr; }

  /** Runs an operation's work; what it throws becomes the call's failure. */
  template <typename Work>
  void run(Work work) {
    try {
      work(*this);
    } catch (const Failure& failure) {
      fail(failure.code, failure.message.c_str());
    } catch (const std::bad_alloc&) {
      fail(TF_RESOURCE_EXHAUSTED, "OOM when allocating scratch memory");
    }
  }

 private:
  void check() {
    if (TF_GetCode(status_.get()) != TF_OK) throw Failure{TF_GetCode(status_.get()), TF_Message(status_.get())};
  }
  void fail(TF_Code code, const char* message) {
    TF_SetStatus(status_.get(), code, message);
    TF_OpKernelContext_Failure(context_, status_.get());
  }

  TF_OpKernelContext* context_;
  Status status_;
};

inline const float* floats(const Tensor& tensor) { return static_cast<const float*>(TF_TensorData(tensor.get())); }
inline int64_t size(const Tensor& tensor, int dimension) { return TF_Dim(tensor.get(), dimension); }

/** What an operation is called, takes and gives: specifications as in TensorFlow's REGISTER_OP. */
struct Definition {
  const char* name;
  std::initializer_list<const char*> attributes, inputs, outputs;
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*destroy)(void*);
};

/** Makes an operation known to TensorFlow. @throws Failure if it can't be done */
void define(const Definition& definition);

}  // namespace rodada
