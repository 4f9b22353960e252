// The operations that are made known to TensorFlow.
#pragma once
#include <string>

namespace rodada {

/** Makes all of them known, once for the process, however often it is called. @returns why it can't be done; empty if it was */
std::string registerOperations();

// One kind of them each. They throw Failure.
void defineConvolutions();
void defineNormalizations();

}  // namespace rodada
