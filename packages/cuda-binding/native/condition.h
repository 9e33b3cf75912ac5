// Waiting for another thread.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <mutex>

namespace vgpu {

// What std::condition_variable::wait() does. That one is exported anew by the libstdc++ of GCC 12, so
// that an addon which calls it does not load on systems with GCC 11's, RHEL 9 among them.
inline void wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock) {
  pthread_cond_wait(condition.native_handle(), lock.mutex()->native_handle());
}

}  // namespace vgpu
