// Makes the operations known to TensorFlow.
#include "operations.h"

#include "call.h"

namespace rodada {
namespace {

void unknownShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

std::string registerOnce() {
  try {
    defineConvolutions();
    defineNormalizations();
    return {};
  } catch (const Failure& failure) {
    return failure.message;
  }
}

}  // namespace

void define(const Definition& definition) {
  const Status status(TF_NewStatus());
  const auto check = [&] {
    if (TF_GetCode(status.get()) == TF_OK) return;
    throw Failure{TF_GetCode(status.get()), std::string(definition.name) + ": " + TF_Message(status.get())};
  };
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(definition.name);
  for (const char* each : definition.attributes) TF_OpDefinitionBuilderAddAttr(builder, each);
  for (const char* each : definition.inputs) TF_OpDefinitionBuilderAddInput(builder, each);
  for (const char* each : definition.outputs) TF_OpDefinitionBuilderAddOutput(builder, each);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, unknownShapes);
  TF_RegisterOpDefinition(builder, status.get());
  check();
  TF_KernelBuilder* kernel =
      TF_NewKernelBuilder(definition.name, "CPU", definition.create, definition.compute, definition.destroy);
  TF_RegisterKernelBuilder(definition.name, kernel, status.get());
  check();
}

std::string registerOperations() {
  static const std::string reason = registerOnce();
  return reason;
}

}  // namespace rodada
