// The CUDA devices of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "driver.h"

namespace vgpu {

struct DeviceInfo {
  int index;
  std::string name;
  std::string uuid;
  std::string pci_bus_id;
  uint64_t memory_bytes;
  int compute_major;
  int compute_minor;
};

// These throw DriverUnavailable or CudaFailure.
std::vector<DeviceInfo> list_devices();
DeviceInfo describe_device(int index);
int device_attribute(const Driver& driver, CUdevice device, int attribute);

}  // namespace vgpu
