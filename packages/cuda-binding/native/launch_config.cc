#include "launch_config.h"

#include <cstdint>

#include "device_info.h"

namespace vgpu {

namespace {

std::string text_of(const Extent& extent) {
  return std::to_string(extent.x) + " x " + std::to_string(extent.y) + " x " +
         std::to_string(extent.z);
}

bool fits(const Extent& extent, const Extent& limit) {
  const auto is_within = [](unsigned value, unsigned most) { return value > 0 && value <= most; };
  return is_within(extent.x, limit.x) && is_within(extent.y, limit.y) &&
         is_within(extent.z, limit.z);
}

}  // namespace

LaunchLimits LaunchLimits::of(const Driver& driver, CUdevice device) {
  const auto limit = [&](int attribute) {
    return static_cast<unsigned>(device_attribute(driver, device, attribute));
  };
  return LaunchLimits{{limit(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X),
                       limit(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y),
                       limit(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)},
                      {limit(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X),
                       limit(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y),
                       limit(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)},
                      limit(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
                      limit(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK)};
}

std::optional<std::string> LaunchConfig::excess(const LaunchLimits& limits) const {
  if (!fits(grid, limits.grid)) {
    return "a grid of " + text_of(grid) + " blocks, with a limit of " + text_of(limits.grid);
  }
  if (!fits(block, limits.block)) {
    return "a block of " + text_of(block) + " threads, with a limit of " + text_of(limits.block);
  }
  // Each factor is within its limit, so the product needs at most 42 bits.
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  if (threads > limits.block_threads) {
    return "a block of " + std::to_string(threads) + " threads, with a limit of " +
           std::to_string(limits.block_threads);
  }
  if (shared_bytes > limits.shared_bytes) {
    return std::to_string(shared_bytes) + " bytes of shared memory, with a limit of " +
           std::to_string(limits.shared_bytes);
  }
  return std::nullopt;
}

}  // namespace vgpu
