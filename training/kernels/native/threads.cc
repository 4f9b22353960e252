// A pool of threads that rest between kernels, each with scratch memory that stays.
#include "threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace rodada {
namespace {

/** Memory that only grows. */
class Buffer {
 public:
  float* atLeast(int64_t floats) {
    if (floats > floats_) {
      memory_.reset();
      floats_ = 0;
      const size_t bytes = (static_cast<size_t>(floats) * sizeof(float) + 63) / 64 * 64;
      memory_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
      if (memory_ == nullptr) throw std::bad_alloc();
      floats_ = floats;
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  int64_t floats_ = 0;
};

/** As TensorFlow's own operations: what the environment says, else the processors that the process may use. */
int threadCount() {
  if (const char* wish = std::getenv("TF_NUM_INTRAOP_THREADS")) {
    const int count = std::atoi(wish);
    if (count > 0) return count;
  }
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? static_cast<int>(count) : 1;
}

class Pool {
 public:
  Pool() : buffers_(threadCount()) {
    // Detached: they rest until the process ends, and hold nothing that must be put in order then.
    for (size_t own = 1; own < buffers_.size(); own++) std::thread([this, own] { serve(own); }).detach();
  }

  void run(int64_t items, int64_t floats, const Lease::Work& work) {
    const size_t helping = std::min<int64_t>(buffers_.size(), items);
    for (size_t i = 0; i < helping; i++) buffers_[i].atLeast(floats);
    next_ = 0;
    {
      std::lock_guard<std::mutex> guard(mutex_);
      work_ = &work;
      items_ = items;
      helping_ = helping;
      busy_ = helping - 1;
      round_++;
    }
    if (helping > 1) started_.notify_all();
    takeItems(0);
    std::unique_lock<std::mutex> guard(mutex_);
    ended_.wait(guard, [this] { return busy_ == 0; });
  }

  std::mutex alone;
  Buffer shared;

 private:
  void serve(size_t own) {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> guard(mutex_);
    for (;;) {
      started_.wait(guard, [&] { return round_ != seen; });
      seen = round_;
      if (own >= helping_) continue;
      guard.unlock();
      takeItems(own);
      guard.lock();
      if (--busy_ == 0) ended_.notify_one();
    }
  }

  void takeItems(size_t own) {
    float* scratch = buffers_[own].atLeast(0);
    for (int64_t item = next_++; item < items_; item = next_++) (*work_)(item, scratch);
  }

  std::vector<Buffer> buffers_;
  std::atomic<int64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable started_, ended_;
  const Lease::Work* work_ = nullptr;
  int64_t items_ = 0;
  size_t helping_ = 0, busy_ = 0;
  uint64_t round_ = 0;
};

/** Never destroyed: its threads may outlive the statics. */
Pool& pool() {
  static Pool& pool = *new Pool();
  return pool;
}

}  // namespace

Lease::Lease() : alone_(pool().alone) {}

float* Lease::shared(int64_t floats) { return pool().shared.atLeast(floats); }

void Lease::each(int64_t items, int64_t floats, const Work& work) {
  if (items > 0) pool().run(items, floats, work);
}

}  // namespace rodada
