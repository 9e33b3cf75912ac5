// Host memory that devices reach by themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "context.h"
#include "driver.h"
#include "mapping.h"

namespace vgpu {

// Pages of our own that are registered with a context, rather than pages of the driver's: they
// outlive the registration, so that arrays over them stay readable whatever becomes of the device.
class PinnedMemory {
 public:
  // Zeroed and registered. With the context current; blocks. Throws CudaFailure.
  PinnedMemory(std::shared_ptr<Context> context, size_t bytes);
  ~PinnedMemory() { unregister(); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  // On any thread; blocks. Does nothing the second time.
  void unregister() noexcept;

  char* data() const { return mapping_.data(); }
  size_t bytes() const { return bytes_; }
  // The address by which the device knows `host`, a pointer into this memory.
  CUdeviceptr on_device(const void* host) const {
    return device_address_ + (static_cast<const char*>(host) - data());
  }

 private:
  void populate() const;

  const std::shared_ptr<Context> context_;
  const size_t bytes_;
  const Mapping mapping_;
  CUdeviceptr device_address_ = 0;
  bool is_registered_ = false;
};

// Pinned memory of one context, found by address. Any thread may call any function.
class PinnedMemories {
 public:
  void add(const std::shared_ptr<PinnedMemory>& memory);
  void remove(const PinnedMemory& memory);
  // The one that holds all of these bytes, or none.
  std::shared_ptr<PinnedMemory> find(const void* start, size_t bytes) const;
  void unregister_all() noexcept;

 private:
  mutable std::mutex mutex_;
  std::map<uintptr_t, std::shared_ptr<PinnedMemory>> by_address_;
};

}  // namespace vgpu
