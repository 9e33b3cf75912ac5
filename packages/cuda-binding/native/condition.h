// Waiting for another thread.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <mutex>

namespace vgpu {

// As std::condition_variable::wait(). The libstdc++ of GCC 12 exports a new version of that function,
// so that an addon which calls it does not load on systems with GCC 11, such as RHEL 9.
inline void wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock) {
  pthread_cond_wait(condition.native_handle(), lock.mutex()->native_handle());
}

}  // namespace vgpu
