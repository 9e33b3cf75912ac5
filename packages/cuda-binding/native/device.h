// A CUDA device with a context of our own, so that nothing that happens here, resetting after a fault
// included, concerns other users of CUDA in the process.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../kernels/kernel_interface.h"
#include "caller_memory.h"
#include "driver.h"
#include "pinned_memory.h"
#include "result_memory.h"

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

// Asks the driver. Throws DriverUnavailable or CudaFailure.
std::vector<DeviceInfo> list_devices();

class Pipeline;

// Makes a context current for as long as it lives, on a thread that may have another one.
class CurrentContext {
 public:
  CurrentContext(const Driver& driver, CUcontext context);
  ~CurrentContext();
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  const Driver& driver_;
};

// An addition of two vectors. A pointer into pinned memory of the device is used where it is.
struct VectorAdd {
  const int32_t* a;
  const int32_t* b;
  int32_t* out;
  size_t count;
  uint32_t ticket;
};

// Where a kernel finds its numbers, as addresses of the device, and where and how it signals the end.
struct VectorLaunch {
  CUdeviceptr a;
  CUdeviceptr b;
  CUdeviceptr out;
  size_t count;
  CUdeviceptr completion;
  uint32_t ticket;
  uint32_t stream_number;
};

class Device {
 public:
  // Opens the device and tries it out; blocks. `image` is the fat binary with the kernels. Throws
  // CudaFailure; there must be a device with this index.
  Device(int index, const std::vector<char>& image);
  // Waits for nothing: close() must have been called, unless the device is beyond hope.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // In pinned memory: the ring of completion words, the batch that launch_batch() launches, and
  // completion words for the pipeline.
  vgpu_completion* completions() const;
  vgpu_batch* batch() const;
  vgpu_completion* pipeline_completions() const;
  const std::shared_ptr<PinnedMemory>& control() const { return control_; }

  // On the JavaScript thread: these never wait. They throw CudaFailure.
  enum class Launch {
    done,
    // Memory is being registered: to be tried later.
    busy,
    // Not all operands are in pinned memory: they must go through the pipeline.
    not_pinned,
  };
  Launch launch_batch();
  Launch launch_in_place(const VectorAdd& add);

  // On other threads: these block. They throw CudaFailure.
  void launch(const VectorLaunch& launch, CUstream stream);
  void wait_for_launches();
  // Pinned memory, for which the device's context must be current.
  std::unique_ptr<PinnedMemory> pin(size_t bytes);
  void unpin(PinnedMemory& memory) noexcept;
  // Pinned memory that JavaScript can see.
  std::shared_ptr<PinnedMemory> allocate(size_t bytes);
  void release(PinnedMemory& memory) noexcept;
  // Releases everything, whatever fails. Waits for the pipeline, which may wait for the device.
  void close() noexcept;

  const DeviceInfo& info() const { return info_; }
  const Driver& driver() const { return driver_; }
  CUcontext context() const { return context_; }
  PinnedMemories& memories() { return memories_; }
  CallerMemory& caller_memory() { return caller_memory_; }
  ResultMemory& result_memory() { return result_memory_; }
  // Made when it is first needed, on the JavaScript thread.
  Pipeline& pipeline();

 private:
  void try_out();
  void launch_loaded_batch();

  const Driver& driver_;
  DeviceInfo info_;
  CUcontext context_ = nullptr;
  CUfunction scalar_add_ = nullptr;
  CUfunction vector_add_ = nullptr;
  CUstream stream_ = nullptr;
  // Held while memory is registered or unregistered. The driver lets nobody else into the context
  // meanwhile, for 25 milliseconds and more a GiB, which JavaScript must not wait for.
  std::mutex registering_;
  std::shared_ptr<PinnedMemory> control_;
  PinnedMemories memories_;
  CallerMemory caller_memory_;
  ResultMemory result_memory_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace vgpu
