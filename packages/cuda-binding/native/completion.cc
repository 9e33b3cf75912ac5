#include "completion.h"

namespace vgpu {

namespace {

// Tells the processor that this thread spins.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void wait_for(const Completion& completion, std::chrono::nanoseconds spinning) {
  const auto deadline = std::chrono::steady_clock::now() + spinning;
  while (!completion.is_reached()) {
    if (std::chrono::steady_clock::now() < deadline) relax();
    else return completion.sleep();
  }
}

void WordCompletion::sleep() const {
  stream_.synchronize();
  if (!is_reached()) throw CudaFailure{CUDA_ERROR_UNKNOWN, kernel_};
}

}  // namespace vgpu
