// Memory that belongs to JavaScript, as other threads see it.
#pragma once

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
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    if (is_gone_) return false;
    touch();
    return true;
  }

  void withdraw() {
    const std::unique_lock<std::shared_mutex> lock(mutex_);
    is_gone_ = true;
  }

 private:
  std::shared_mutex mutex_;
  bool is_gone_ = false;
};

}  // namespace vgpu
