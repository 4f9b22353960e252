// Chooses the kernels for the instruction set that this processor has.
#include "targets.h"

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
namespace avx512 {
extern const rodada::Kernels kernels;
}
namespace avx2 {
extern const rodada::Kernels kernels;
}
#endif
namespace baseline {
extern const rodada::Kernels kernels;
}

namespace rodada {
namespace {

const Target kBaseline{"baseline", &baseline::kernels};

const Target& choose() {
#if defined(__x86_64__)
  static const Target kAvx512{"avx512", &avx512::kernels};
  static const Target kAvx2{"avx2", &avx2::kernels};
  const char* wish = std::getenv("RODADA_INSTRUCTIONS");
  const auto mayTake = [wish](const Target& target) {
    return wish == nullptr || *wish == '\0' || std::strcmp(wish, target.name) == 0;
  };
  __builtin_cpu_init();
  const bool hasAvx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (hasAvx512 && mayTake(kAvx512)) return kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && mayTake(kAvx2)) return kAvx2;
#endif
  return kBaseline;
}

}  // namespace

const Target& target() {
  static const Target& chosen = choose();
  return chosen;
}

}  // namespace rodada
