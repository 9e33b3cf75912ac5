// The shape of a launch, and what a device allows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "driver.h"

namespace vgpu {

struct Extent {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
};

struct LaunchLimits {
  Extent grid;
  Extent block;
  unsigned block_threads;
  unsigned shared_bytes;

  // Throws CudaFailure.
  static LaunchLimits of(const Driver& driver, CUdevice device);
};

struct LaunchConfig {
  // In blocks.
  Extent grid;
  // In threads.
  Extent block;
  // Of each block, allocated at the launch.
  unsigned shared_bytes = 0;

  // What exceeds these limits, in words, if anything does.
  std::optional<std::string> excess(const LaunchLimits& limits) const;
};

}  // namespace vgpu
