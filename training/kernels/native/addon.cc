// The Node add-on: makes the operations known to the TensorFlow that tfjs-node has loaded, and says which instruction set
// they use.
#include <node_api.h>

#include <string>

#include "operations.h"
#include "targets.h"

NAPI_MODULE_INIT() {
  const std::string reason = rodada::registerOperations();
  if (!reason.empty()) {
    napi_throw_error(env, nullptr, reason.c_str());
    return nullptr;
  }
  napi_value instructions;
  if (napi_create_string_utf8(env, rodada::target().name, NAPI_AUTO_LENGTH, &instructions) == napi_ok)
    napi_set_named_property(env, exports, "instructions", instructions);
  return exports;
}
