#include "pinned_memory.h"

#include <sys/mman.h>

#include <iterator>

namespace vgpu {

PinnedMemory::PinnedMemory(const Driver& driver, size_t bytes)
    : driver_(driver), bytes_(bytes), mapping_(bytes) {
  // A forked child must not have the pages on its own: copying on write would take ours from the
  // device (madvise(2), MADV_DONTFORK).
  madvise(data(), mapping_.size(), MADV_DONTFORK);
  populate();
}

// Has the system provide the pages now (madvise(2), Linux 5.14), of which registering, during which the
// driver lets nobody else into the context, would otherwise spend most of its time.
void PinnedMemory::populate() const {
#ifndef MADV_POPULATE_WRITE
  constexpr int MADV_POPULATE_WRITE = 23;
#endif
  madvise(data(), mapping_.size(), MADV_POPULATE_WRITE);
}

void PinnedMemory::register_with_context() {
  void* const memory = data();
  VGPU_CALL(driver_, cuMemHostRegister, memory, mapping_.size(), CU_MEMHOSTREGISTER_DEVICEMAP);
  is_registered_ = true;
  VGPU_CALL(driver_, cuMemHostGetDevicePointer, &device_address_, memory, 0U);
}

void PinnedMemory::unregister() noexcept {
  // A context that is broken or gone has unregistered it already, and says so: nothing is left to do.
  if (is_registered_) status_of(driver_.cuMemHostUnregister, static_cast<void*>(data()));
  is_registered_ = false;
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

void PinnedMemories::clear(const std::function<void(PinnedMemory&)>& take) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& entry : by_address_) take(*entry.second);
  by_address_.clear();
}

}  // namespace vgpu
