#include "context.h"

namespace vgpu {

Context::Context(int index) : driver_(Driver::get()) {
  CUdevice device;
  VGPU_CALL(driver_, cuDeviceGet, &device, index);
  limits_ = LaunchLimits::of(driver_, device);
  // A thread that waits for the device sleeps: spinning is the business of `wait_for()`.
  VGPU_CALL(driver_, cuCtxCreate, &context_, CU_CTX_SCHED_BLOCKING_SYNC | CU_CTX_MAP_HOST, device);
}

void Context::destroy() noexcept {
  if (context_ != nullptr) status_of(driver_.cuCtxDestroy, context_);
  context_ = nullptr;
}

}  // namespace vgpu
