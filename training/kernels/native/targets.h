// Chooses the kernels for the instruction set that this processor has.
#pragma once
#include "kernels.h"

namespace rodada {

/** Kernels, and what their instruction set is called. */
struct Target {
  const char* name;
  const Kernels* kernels;
};

/** The widest that the processor has; `RODADA_INSTRUCTIONS` may name a narrower one. */
const Target& target();

}  // namespace rodada
