// The threads and the scratch memory that all kernels share: one kernel at a time has all of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

namespace rodada {

/** What a kernel has for itself while it runs. */
class Lease {
 public:
  /** Waits until no other kernel runs. */
  Lease();

  /** Memory that no other kernel uses meanwhile, not cleared. @throws std::bad_alloc */
  float* shared(int64_t floats);

  using Work = std::function<void(int64_t item, float* scratch)>;
  /**
   * Calls `work` for each item from 0, several at a time, and returns when all are done.
   * @param floats of scratch memory that each thread has, not cleared
   * @throws std::bad_alloc before any work
   */
  void each(int64_t items, int64_t floats, const Work& work);

 private:
  std::unique_lock<std::mutex> alone_;
};

}  // namespace rodada
