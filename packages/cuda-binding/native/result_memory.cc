#include "result_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace vgpu {

namespace {

constexpr size_t max_idle_bytes = size_t{256} << 20;

}  // namespace

std::unique_ptr<Mapping> ResultMemory::take(size_t bytes) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    // Not one that is much larger: a longer result may need it.
    const auto found = std::find_if(idle_.begin(), idle_.end(), [bytes](const auto& mapping) {
      return mapping->size() >= bytes && mapping->size() / 2 <= bytes;
    });
    if (found != idle_.end()) {
      auto mapping = std::move(*found);
      idle_.erase(found);
      idle_bytes_ -= mapping->size();
      return mapping;
    }
  }
  return std::make_unique<Mapping>(bytes);
}

void ResultMemory::give_back(std::unique_ptr<Mapping> mapping) {
  // The pages stay unless memory becomes short before they are written to again (madvise(2)).
  madvise(mapping->data(), mapping->size(), MADV_FREE);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_bytes_ + mapping->size() > max_idle_bytes) return;
  idle_bytes_ += mapping->size();
  idle_.push_back(std::move(mapping));
}

}  // namespace vgpu
