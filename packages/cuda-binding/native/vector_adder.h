// A CUDA device that adds: its context, its kernels, and the memory that it shares with JavaScript.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../kernels/kernel_interface.h"
#include "caller_memory.h"
#include "context.h"
#include "device_info.h"
#include "pinned_memory.h"
#include "result_memory.h"
#include "stream.h"
#include "vector_kernels.h"

namespace vgpu {

class Pipeline;

// An addition of two vectors, which may be in pinned memory of the device.
struct VectorAdd {
  const int32_t* a;
  const int32_t* b;
  int32_t* out;
  size_t count;
  uint32_t ticket;
};

class VectorAdder {
 public:
  // Opens the device and tries it out; blocks. `image` is the fat binary with the kernels. Throws
  // CudaFailure or KernelMismatch; there must be a device with this index.
  VectorAdder(int index, const std::vector<char>& image);
  // After close() it does not block.
  ~VectorAdder();
  VectorAdder(const VectorAdder&) = delete;
  VectorAdder& operator=(const VectorAdder&) = delete;

  // In pinned memory: the ring of completion words, the batch that launch_batch() launches, and
  // completion words for the pipeline.
  vgpu_completion* completions() const;
  vgpu_batch* batch() const;
  vgpu_completion* pipeline_completions() const;
  const std::shared_ptr<PinnedMemory>& control() const { return control_; }

  // On the JavaScript thread: these never wait. They throw CudaFailure.
  enum class Launch {
    launched,
    // Memory is being registered: to be tried later.
    busy,
    // Not all operands are in pinned memory: they must go through the pipeline.
    not_pinned,
  };
  Launch launch_batch() const;
  Launch launch_in_place(const VectorAdd& add) const;

  // On other threads: these block. They throw CudaFailure.
  void wait_for_launches() const;
  // Pinned memory that JavaScript can see.
  std::shared_ptr<PinnedMemory> allocate(size_t bytes);
  void release(PinnedMemory& memory) noexcept;
  // Releases everything, whatever fails. Waits for the pipeline, which may wait for the device.
  void close() noexcept;

  const DeviceInfo& info() const { return info_; }
  const std::shared_ptr<Context>& context() const { return context_; }
  const VectorKernels& kernels() const { return *kernels_; }
  const PinnedMemories& memories() const { return memories_; }
  CallerMemory& caller_memory() { return caller_memory_; }
  ResultMemory& result_memory() { return result_memory_; }
  // Made when it is first needed, on the JavaScript thread.
  Pipeline& pipeline();

 private:
  void try_out() const;

  DeviceInfo info_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<PinnedMemory> control_;
  std::unique_ptr<const VectorKernels> kernels_;
  // The lanes of the pipeline have streams of their own.
  std::unique_ptr<const Stream> stream_;
  PinnedMemories memories_;
  CallerMemory caller_memory_;
  ResultMemory result_memory_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace vgpu
