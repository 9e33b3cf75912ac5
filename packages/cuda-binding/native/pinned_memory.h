// Host memory that devices reach by themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "driver.h"
#include "mapping.h"

namespace vgpu {

// Pages of our own that are registered with a context, rather than pages of the driver's: they
// outlive the context, so that arrays over them stay readable whatever becomes of the device.
class PinnedMemory {
 public:
  // Zeroed memory, not yet registered. Throws CudaFailure (out of memory).
  PinnedMemory(const Driver& driver, size_t bytes);
  // It must be registered no more, unless its context is gone.
  ~PinnedMemory() = default;
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  // With the current context. Throws CudaFailure; unregister() all the same.
  void register_with_context();
  // The context that it was registered with must be current, or gone.
  void unregister() noexcept;

  char* data() const { return mapping_.data(); }
  size_t bytes() const { return bytes_; }
  // The address by which the device knows `host`, a pointer into this memory.
  CUdeviceptr on_device(const void* host) const {
    return device_address_ + (static_cast<const char*>(host) - data());
  }

 private:
  void populate() const;

  const Driver& driver_;
  size_t bytes_;
  Mapping mapping_;
  CUdeviceptr device_address_ = 0;
  bool is_registered_ = false;
};

// The pinned memory of one device that JavaScript can see. Any thread may call any function.
class PinnedMemories {
 public:
  void add(const std::shared_ptr<PinnedMemory>& memory);
  void remove(const PinnedMemory& memory);
  // The one that holds all of these bytes, or none.
  std::shared_ptr<PinnedMemory> find(const void* start, size_t bytes) const;
  // Takes all out and hands them to `take`.
  void clear(const std::function<void(PinnedMemory&)>& take);

 private:
  mutable std::mutex mutex_;
  std::map<uintptr_t, std::shared_ptr<PinnedMemory>> by_address_;
};

}  // namespace vgpu
