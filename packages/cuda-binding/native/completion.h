// How the end of what a device does is seen on a thread that may wait. JavaScript, which may not, reads
// completion words by itself, and has a thread wait where that takes long.
#pragma once

#include <chrono>
#include <cstdint>

#include "stream.h"

namespace vgpu {

class Completion {
 public:
  // Does not wait. Throws CudaFailure.
  virtual bool is_reached() const = 0;
  // Sleeps until it is reached. With the context current. Throws CudaFailure.
  virtual void sleep() const = 0;

 protected:
  ~Completion() = default;
};

// Spins for this long, and then sleeps. With the context current. Throws CudaFailure.
void wait_for(const Completion& completion, std::chrono::nanoseconds spinning);

// The end of all that was launched in a stream before.
class StreamCompletion final : public Completion {
 public:
  explicit StreamCompletion(const Stream& stream) : stream_(stream) {}

  bool is_reached() const override { return stream_.is_idle(); }
  void sleep() const override { stream_.synchronize(); }

 private:
  const Stream& stream_;
};

// The end of one launch, which its kernel reports in pinned memory: it writes its ticket into the upper
// half of a word. To see that takes a fraction of a microsecond, many times less than by the driver.
class WordCompletion final : public Completion {
 public:
  // `kernel` was launched in this stream, and is named in failures.
  WordCompletion(const uint64_t* word, uint32_t ticket, const Stream& stream, const char* kernel)
      : word_(word), ticket_(ticket), stream_(stream), kernel_(kernel) {}

  bool is_reached() const override {
    return __atomic_load_n(word_, __ATOMIC_ACQUIRE) >> 32 == ticket_;
  }
  // Also fails if the kernel has ended without a report.
  void sleep() const override;

 private:
  const uint64_t* const word_;
  const uint32_t ticket_;
  const Stream& stream_;
  const char* const kernel_;
};

}  // namespace vgpu
