// A context on a CUDA device.
#pragma once

#include <memory>
#include <mutex>

#include "driver.h"
#include "launch_config.h"

namespace vgpu {

// A context of our own: faults and their consequences concern no other user of CUDA in the process.
//
// Streams, modules and memory share the context that they belong to, and release themselves on any
// thread. After destroy(), which releases all that the driver has for it, they have nothing to do.
class Context {
 public:
  // Current on the calling thread until it is destroyed. Throws CudaFailure.
  explicit Context(int index);
  ~Context() { destroy(); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void destroy() noexcept;
  bool is_destroyed() const { return context_ == nullptr; }

  // Has the calling thread use this context from now on. Throws CudaFailure.
  void use_on_this_thread() const { VGPU_CALL(driver_, cuCtxSetCurrent, context_); }
  // Has `work` release something with the context current. Not where the context is destroyed, or
  // refuses: then a fault has broken it, and it permits nothing but its destruction.
  template <typename Work>
  void release(const Work& work) const noexcept;

  const Driver& driver() const { return driver_; }
  const LaunchLimits& limits() const { return limits_; }
  // Held while memory is registered or unregistered. The driver lets no other thread use the context
  // meanwhile, for 25 milliseconds and more a GiB, and JavaScript must not wait for that.
  std::mutex& registering() { return registering_; }

 private:
  friend class CurrentContext;

  const Driver& driver_;
  LaunchLimits limits_{};
  CUcontext context_ = nullptr;
  std::mutex registering_;
};

// Makes a context current for as long as it lives, on a thread that may have another one.
class CurrentContext {
 public:
  // Throws CudaFailure.
  explicit CurrentContext(const Context& context) : driver_(context.driver_) {
    VGPU_CALL(driver_, cuCtxPushCurrent, context.context_);
  }
  ~CurrentContext() {
    // Fails only where pushing has failed.
    CUcontext popped;
    status_of(driver_.cuCtxPopCurrent, &popped);
  }
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  const Driver& driver_;
};

template <typename Work>
void Context::release(const Work& work) const noexcept {
  if (is_destroyed() || status_of(driver_.cuCtxPushCurrent, context_) != 0) return;
  work();
  CUcontext popped;
  status_of(driver_.cuCtxPopCurrent, &popped);
}

}  // namespace vgpu
