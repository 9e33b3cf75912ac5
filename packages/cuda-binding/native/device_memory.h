// Memory of a device.
#pragma once

#include <cstddef>
#include <memory>

#include "context.h"
#include "driver.h"
#include "stream.h"

namespace vgpu {

// With the context current. All functions throw CudaFailure.
class DeviceMemory {
 public:
  // `bytes` is more than 0. The content is undefined: it may be that of another process.
  DeviceMemory(std::shared_ptr<Context> context, size_t bytes);
  // Nothing in flight may use it.
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // In their turn in the stream. `host` is at least as long, and stays until they are done. Where it
  // is pinned, they do not wait.
  void clear(const Stream& stream) const;
  void copy_from(const void* host, const Stream& stream) const;
  void copy_to(void* host, const Stream& stream) const;

  CUdeviceptr address() const { return address_; }
  size_t bytes() const { return bytes_; }

 private:
  const std::shared_ptr<Context> context_;
  const size_t bytes_;
  CUdeviceptr address_ = 0;
};

}  // namespace vgpu
