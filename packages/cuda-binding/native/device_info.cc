#include "device_info.h"

#include <cstdio>

namespace vgpu {

namespace {

// As nvidia-smi prints it.
std::string format_uuid(const CUuuid& uuid) {
  std::string text = "GPU";
  for (int i = 0; i < 16; i++) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", uuid.bytes[i]);
    text += digits;
  }
  return text;
}

}  // namespace

std::vector<DeviceInfo> list_devices() {
  const Driver& driver = Driver::get();
  VGPU_CALL(driver, cuInit, 0U);
  int count = 0;
  VGPU_CALL(driver, cuDeviceGetCount, &count);
  std::vector<DeviceInfo> devices;
  for (int index = 0; index < count; index++) devices.push_back(describe_device(index));
  return devices;
}

DeviceInfo describe_device(int index) {
  const Driver& driver = Driver::get();
  CUdevice device;
  VGPU_CALL(driver, cuDeviceGet, &device, index);
  char name[256] = "";
  VGPU_CALL(driver, cuDeviceGetName, name, static_cast<int>(sizeof name), device);
  CUuuid uuid;
  VGPU_CALL(driver, cuDeviceGetUuid, &uuid, device);
  size_t bytes = 0;
  VGPU_CALL(driver, cuDeviceTotalMem, &bytes, device);
  char bus_id[32] = "";
  VGPU_CALL(driver, cuDeviceGetPCIBusId, bus_id, static_cast<int>(sizeof bus_id), device);
  // The driver prints upper case, Linux lower case.
  std::string pci_bus_id = bus_id;
  for (char& c : pci_bus_id) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 'a' - 'A') : c;
  return DeviceInfo{index,
                    name,
                    format_uuid(uuid),
                    pci_bus_id,
                    bytes,
                    device_attribute(driver, device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                    device_attribute(driver, device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)};
}

int device_attribute(const Driver& driver, CUdevice device, int attribute) {
  int value = 0;
  VGPU_CALL(driver, cuDeviceGetAttribute, &value, attribute, device);
  return value;
}

}  // namespace vgpu
