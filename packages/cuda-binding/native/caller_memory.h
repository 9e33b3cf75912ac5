// Memory that belongs to JavaScript, as other threads see it.
#pragma once

#include <atomic>
#include <mutex>
#include <shared_mutex>

namespace vgpu {

// Arrays of calls in flight are kept alive by JavaScript, but when its environment ends (a worker is
// terminated, say) they go, whatever other threads do. So those touch them within access() only, and
// the environment waits in withdraw() until nobody does.
class CallerMemory {
 public:
  // Runs `touch`, unless the memory is gone; says whether it did.
  template <typename Touch>
  bool access(const Touch& touch) {
    // Before the lock as well: a mutex that prefers readers would let withdraw() wait for them all.
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
