#include "device.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "pipeline.h"

namespace vgpu {

namespace {

// Few blocks on purpose. Half a megabyte of reads in flight fills PCIe 5.0 x16, and these have that:
// 16 blocks of 256 threads, each of which asks for 4 times 16 bytes of both operands. On an H200, 132
// blocks of 512 add 4 MiB at 66 % of the rate that 16 of 256 have, and leave nothing to others.
constexpr unsigned block_threads = 256;
constexpr size_t max_blocks = 16;
constexpr size_t elements_per_thread = 16;

constexpr size_t batch_offset = VGPU_RING_CAPACITY * sizeof(vgpu_completion);
constexpr size_t pipeline_offset = batch_offset + sizeof(vgpu_batch);
constexpr size_t control_bytes = pipeline_offset + Pipeline::completions * sizeof(vgpu_completion);
static_assert(pipeline_offset % sizeof(vgpu_completion) == 0);

int attribute(const Driver& driver, CUdevice device, int which) {
  int value = 0;
  VGPU_CALL(driver, cuDeviceGetAttribute, &value, which, device);
  return value;
}

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

DeviceInfo describe(const Driver& driver, int index) {
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
                    attribute(driver, device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                    attribute(driver, device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)};
}

}  // namespace

std::vector<DeviceInfo> list_devices() {
  const Driver& driver = Driver::get();
  VGPU_CALL(driver, cuInit, 0U);
  int count = 0;
  VGPU_CALL(driver, cuDeviceGetCount, &count);
  std::vector<DeviceInfo> devices;
  for (int index = 0; index < count; index++) devices.push_back(describe(driver, index));
  return devices;
}

CurrentContext::CurrentContext(const Driver& driver, CUcontext context) : driver_(driver) {
  VGPU_CALL(driver_, cuCtxPushCurrent, context);
}

CurrentContext::~CurrentContext() {
  // Fails only where pushing has failed.
  CUcontext popped;
  status_of(driver_.cuCtxPopCurrent, &popped);
}

Device::Device(int index, const std::vector<char>& image) : driver_(Driver::get()) {
  VGPU_CALL(driver_, cuInit, 0U);
  info_ = describe(driver_, index);
  CUdevice device;
  VGPU_CALL(driver_, cuDeviceGet, &device, index);
  // Whoever waits for the device sleeps. Quick results are not waited for but seen by JavaScript.
  VGPU_CALL(driver_, cuCtxCreate, &context_, CU_CTX_SCHED_BLOCKING_SYNC | CU_CTX_MAP_HOST, device);
  try {
    CUmodule module;
    VGPU_CALL(driver_, cuModuleLoadData, &module, static_cast<const void*>(image.data()));
    VGPU_CALL(driver_, cuModuleGetFunction, &scalar_add_, module, "scalar_add_kernel");
    VGPU_CALL(driver_, cuModuleGetFunction, &vector_add_, module, "vector_add_kernel");
    VGPU_CALL(driver_, cuStreamCreate, &stream_, CU_STREAM_NON_BLOCKING);
    control_ = pin(control_bytes);
    try_out();
  } catch (const CudaFailure&) {
    close();
    throw;
  }
}

Device::~Device() = default;

vgpu_completion* Device::completions() const {
  return reinterpret_cast<vgpu_completion*>(control_->data());
}

vgpu_batch* Device::batch() const {
  return reinterpret_cast<vgpu_batch*>(control_->data() + batch_offset);
}

vgpu_completion* Device::pipeline_completions() const {
  return reinterpret_cast<vgpu_completion*>(control_->data() + pipeline_offset);
}

// Loads the kernels, which the driver otherwise does at the first launch, and sees them work: a
// device that does not is reported when it is opened, not by the first request.
void Device::try_out() {
  constexpr uint32_t ticket = 0x80000000;
  vgpu_batch& operands = *batch();
  operands = vgpu_batch{ticket, 2, {1, 2147483647}, {2, 1}};
  launch_loaded_batch();
  VGPU_CALL(driver_, cuStreamSynchronize, stream_);
  volatile vgpu_completion* words = completions();
  const bool adds_scalars = words[0] == (uint64_t{ticket} << 32 | 3) &&
                            words[1] == (uint64_t{ticket + 1} << 32 | 0x80000000);
  const CUdeviceptr a = control_->on_device(operands.a);
  const CUdeviceptr b = control_->on_device(operands.b);
  launch(VectorLaunch{a, b, a, 2, control_->on_device(completions()), ticket, 0}, stream_);
  VGPU_CALL(driver_, cuStreamSynchronize, stream_);
  const bool adds_vectors = operands.a[0] == 3 && operands.a[1] == -2147483647 - 1 &&
                            words[0] >> 32 == ticket;
  if (!adds_scalars) throw CudaFailure{CUDA_ERROR_UNKNOWN, "scalar_add_kernel"};
  if (!adds_vectors) throw CudaFailure{CUDA_ERROR_UNKNOWN, "vector_add_kernel"};
  words[0] = words[1] = 0;
  operands = vgpu_batch{};
}

Device::Launch Device::launch_batch() {
  const std::unique_lock<std::mutex> lock(registering_, std::try_to_lock);
  if (!lock) return Launch::busy;
  launch_loaded_batch();
  return Launch::done;
}

void Device::launch_loaded_batch() {
  const CurrentContext current(driver_, context_);
  CUdeviceptr ring = control_->on_device(completions());
  void* parameters[] = {batch(), &ring};
  VGPU_CALL(driver_, cuLaunchKernel, scalar_add_, 1U, 1U, 1U, unsigned{VGPU_BATCH_CAPACITY}, 1U, 1U,
            0U, stream_, static_cast<void**>(parameters), static_cast<void**>(nullptr));
}

Device::Launch Device::launch_in_place(const VectorAdd& add) {
  const size_t bytes = add.count * sizeof(int32_t);
  const auto a = memories_.find(add.a, bytes);
  const auto b = memories_.find(add.b, bytes);
  const auto out = memories_.find(add.out, bytes);
  if (a == nullptr || b == nullptr || out == nullptr) return Launch::not_pinned;
  const std::unique_lock<std::mutex> lock(registering_, std::try_to_lock);
  if (!lock) return Launch::busy;
  const CurrentContext current(driver_, context_);
  vgpu_completion* completion = completions() + add.ticket % VGPU_RING_CAPACITY;
  launch(VectorLaunch{a->on_device(add.a), b->on_device(add.b), out->on_device(add.out), add.count,
                      control_->on_device(completion), add.ticket, 0},
         stream_);
  return Launch::done;
}

void Device::launch(const VectorLaunch& launch, CUstream stream) {
  VectorLaunch values = launch;
  const size_t wanted = (values.count / elements_per_thread + block_threads - 1) / block_threads;
  const auto blocks = static_cast<unsigned>(std::clamp<size_t>(wanted, 1, max_blocks));
  void* parameters[] = {&values.a,          &values.b,      &values.out,          &values.count,
                        &values.completion, &values.ticket, &values.stream_number};
  VGPU_CALL(driver_, cuLaunchKernel, vector_add_, blocks, 1U, 1U, block_threads, 1U, 1U, 0U, stream,
            static_cast<void**>(parameters), static_cast<void**>(nullptr));
}

void Device::wait_for_launches() {
  const CurrentContext current(driver_, context_);
  VGPU_CALL(driver_, cuStreamSynchronize, stream_);
}

std::unique_ptr<PinnedMemory> Device::pin(size_t bytes) {
  auto memory = std::make_unique<PinnedMemory>(driver_, bytes);
  const std::lock_guard<std::mutex> lock(registering_);
  try {
    memory->register_with_context();
  } catch (const CudaFailure&) {
    memory->unregister();
    throw;
  }
  return memory;
}

void Device::unpin(PinnedMemory& memory) noexcept {
  const std::lock_guard<std::mutex> lock(registering_);
  memory.unregister();
}

std::shared_ptr<PinnedMemory> Device::allocate(size_t bytes) {
  const CurrentContext current(driver_, context_);
  std::shared_ptr<PinnedMemory> memory = pin(bytes);
  memories_.add(memory);
  return memory;
}

void Device::release(PinnedMemory& memory) noexcept {
  memories_.remove(memory);
  if (context_ == nullptr) return;
  // A broken context refuses, and keeps the registration until it is destroyed.
  if (status_of(driver_.cuCtxPushCurrent, context_) != 0) return;
  unpin(memory);
  CUcontext popped;
  status_of(driver_.cuCtxPopCurrent, &popped);
}

Pipeline& Device::pipeline() {
  if (pipeline_ == nullptr) pipeline_ = std::make_unique<Pipeline>(*this);
  return *pipeline_;
}

void Device::close() noexcept {
  if (context_ == nullptr) return;
  pipeline_.reset();
  // What fails here has failed before: a broken context refuses everything but its destruction,
  // which releases all that it holds.
  if (status_of(driver_.cuCtxPushCurrent, context_) == 0) {
    if (stream_ != nullptr) {
      status_of(driver_.cuStreamSynchronize, stream_);
      status_of(driver_.cuStreamDestroy, stream_);
    }
    memories_.clear([](PinnedMemory& memory) { memory.unregister(); });
    if (control_ != nullptr) control_->unregister();
    CUcontext popped;
    status_of(driver_.cuCtxPopCurrent, &popped);
  }
  status_of(driver_.cuCtxDestroy, context_);
  context_ = nullptr;
}

}  // namespace vgpu
