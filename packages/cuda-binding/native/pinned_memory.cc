#include "pinned_memory.h"

#include <sys/mman.h>

#include <iterator>

namespace vgpu {

namespace {

constexpr size_t small_page = 4096;
constexpr size_t huge_page = size_t{2} << 20;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

PinnedMemory::PinnedMemory(const Driver& driver, size_t bytes) : driver_(driver), bytes_(bytes) {
  // Huge pages, where the system has them, make pinning many times faster, and copies a little.
  const size_t unit = bytes >= huge_page ? huge_page : small_page;
  const size_t used = round_up(bytes, unit);
  mapped_bytes_ = unit == huge_page ? used + huge_page : used;
  mapping_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) throw CudaFailure{CUDA_ERROR_OUT_OF_MEMORY, "mmap"};
  data_ = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(mapping_), unit));
  if (unit == huge_page) madvise(data_, used, MADV_HUGEPAGE);
  // A forked child must not have the pages on its own: copying on write would take ours from the
  // device (madvise(2), MADV_DONTFORK).
  madvise(data_, used, MADV_DONTFORK);
  try {
    VGPU_CALL(driver_, cuMemHostRegister, static_cast<void*>(data_), used,
              CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP);
    is_registered_ = true;
    VGPU_CALL(driver_, cuMemHostGetDevicePointer, &device_address_, static_cast<void*>(data_), 0U);
  } catch (const CudaFailure&) {
    unregister();
    munmap(mapping_, mapped_bytes_);
    throw;
  }
}

PinnedMemory::~PinnedMemory() { munmap(mapping_, mapped_bytes_); }

void PinnedMemory::unregister() noexcept {
  // A context that is broken or gone has unregistered it already, and says so: nothing is left to do.
  if (is_registered_) status_of(driver_.cuMemHostUnregister, static_cast<void*>(data_));
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
