// Makes the convolutions known to TensorFlow as operations.
#pragma once
#include <string>

namespace rodada {

/** Done once for the process, however often it is called. @returns why it can't be done; empty if it was */
std::string registerOperations();

}  // namespace rodada
