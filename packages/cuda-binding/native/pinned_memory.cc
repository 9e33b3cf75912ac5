#include "pinned_memory.h"

#include <sys/mman.h>

#include <iterator>
#include <utility>

namespace vgpu {

PinnedMemory::PinnedMemory(std::shared_ptr<Context> context, size_t bytes)
    : context_(std::move(context)), bytes_(bytes), mapping_(bytes) {
  // A forked child must not share the pages: copying on write would take ours from the device
  // (madvise(2), MADV_DONTFORK).
  madvise(data(), mapping_.size(), MADV_DONTFORK);
  populate();
  const Driver& driver = context_->driver();
  void* const memory = data();
  const std::lock_guard<std::mutex> lock(context_->registering());
  VGPU_CALL(driver, cuMemHostRegister, memory, mapping_.size(), CU_MEMHOSTREGISTER_DEVICEMAP);
  try {
    VGPU_CALL(driver, cuMemHostGetDevicePointer, &device_address_, memory, 0U);
  } catch (const CudaFailure&) {
    status_of(driver.cuMemHostUnregister, memory);
    throw;
  }
  is_registered_ = true;
}

// Has the system provide the pages now (madvise(2), Linux 5.14). Registering, during which the driver
// lets no other thread use the context, would otherwise spend most of its time on that.
void PinnedMemory::populate() const {
#ifndef MADV_POPULATE_WRITE
  constexpr int MADV_POPULATE_WRITE = 23;
#endif
  madvise(data(), mapping_.size(), MADV_POPULATE_WRITE);
}

void PinnedMemory::unregister() noexcept {
  if (!is_registered_) return;
  is_registered_ = false;
  context_->release([this] {
    const std::lock_guard<std::mutex> lock(context_->registering());
    status_of(context_->driver().cuMemHostUnregister, static_cast<void*>(data()));
  });
}

void PinnedMemories::add(const std::shared_ptr<PinnedMemory>& memory) {
  const std::lock_guard<std::mutex> lock(mutex_);
  by_address_[reinterpret_cast<uintptr_t>(memory->data())] = memory;
}

void PinnedMemories::remove(const PinnedMemory& memory) {
  const std::lock_guard<std::mutex> lock(mutex_);
  by_address_.erase(reinterpret_cast<uintptr_t>(memory.data()));
}

std::shared_ptr<PinnedMemory> PinnedMemories::find(const void* start, size_t bytes) const {
  const auto address = reinterpret_cast<uintptr_t>(start);
  const std::lock_guard<std::mutex> lock(mutex_);
  auto next = by_address_.upper_bound(address);
  if (next == by_address_.begin()) return nullptr;
  const auto& [base, memory] = *std::prev(next);
  return address + bytes <= base + memory->bytes() ? memory : nullptr;
}

void PinnedMemories::unregister_all() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [address, memory] : by_address_) memory->unregister();
  by_address_.clear();
}

}  // namespace vgpu
