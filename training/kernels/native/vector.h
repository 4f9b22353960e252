// A vector of floats as wide as the instruction set that this file is compiled for, by the compilers' vector extensions.
#pragma once
#include <cstdint>
#include <cstring>

#define INLINE inline __attribute__((always_inline))

namespace RODADA_TARGET {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
typedef int32_t IntVector __attribute__((vector_size(kLanes * sizeof(int32_t))));
typedef uint8_t ByteVector __attribute__((vector_size(kLanes)));

// memcpy is how unaligned loads and stores are written; it compiles to one instruction.
INLINE Vector load(const float* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

INLINE void store(float* to, Vector vector) {
  std::memcpy(to, &vector, sizeof vector);
}

INLINE IntVector loadBytes(const uint8_t* from) {
  ByteVector bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, IntVector);
}

INLINE void storeBytes(uint8_t* to, IntVector vector) {
  const ByteVector bytes = __builtin_convertvector(vector, ByteVector);
  std::memcpy(to, &bytes, sizeof bytes);
}

/** `yes` where the mask is set, else `no`. */
INLINE Vector choose(IntVector mask, Vector yes, Vector no) {
  return mask ? yes : no;
}

INLINE Vector absolute(Vector vector) { return vector < 0.0f ? -vector : vector; }

/** NaN stays. */
INLINE Vector relu(Vector vector) {
  return vector <= 0.0f ? Vector{} : vector;
}

}  // namespace RODADA_TARGET
