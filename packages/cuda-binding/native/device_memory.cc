#include "device_memory.h"

#include <utility>

namespace vgpu {

DeviceMemory::DeviceMemory(std::shared_ptr<Context> context, size_t bytes)
    : context_(std::move(context)), bytes_(bytes) {
  VGPU_CALL(context_->driver(), cuMemAlloc, &address_, bytes_);
}

DeviceMemory::~DeviceMemory() {
  context_->release([this] { status_of(context_->driver().cuMemFree, address_); });
}

void DeviceMemory::clear(const Stream& stream) const {
  constexpr unsigned char zero = 0;
  VGPU_CALL(context_->driver(), cuMemsetD8Async, address_, zero, bytes_, stream.get());
}

void DeviceMemory::copy_from(const void* host, const Stream& stream) const {
  VGPU_CALL(context_->driver(), cuMemcpyHtoDAsync, address_, host, bytes_, stream.get());
}

void DeviceMemory::copy_to(void* host, const Stream& stream) const {
  VGPU_CALL(context_->driver(), cuMemcpyDtoHAsync, host, address_, bytes_, stream.get());
}

}  // namespace vgpu
