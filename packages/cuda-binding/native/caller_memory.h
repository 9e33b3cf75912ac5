// Memory that belongs to JavaScript, as other threads see it.
#pragma once

#include <atomic>
#include <mutex>
#include <shared_mutex>

namespace vgpu {

// JavaScript keeps the arrays of calls in flight alive. But when its environment ends, such as that of a
// worker which is terminated, they are freed. So other threads use them within access() only, and the
// end of the environment waits in withdraw() until no thread does.
class CallerMemory {
 public:
  // Runs `touch`. False if the memory is gone.
  template <typename Touch>
  bool access(const Touch& touch) {
    // Also before the lock: a mutex that prefers readers would have withdraw() wait for all of them.
    if (is_gone_) return false;
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    if (is_gone_) return false;
    touch();
    return true;
  }

  void withdraw() {
    is_gone_ = true;
    const std::unique_lock<std::shared_mutex> lock(mutex_);
  }

 private:
  std::shared_mutex mutex_;
  std::atomic<bool> is_gone_{false};
};

}  // namespace vgpu
