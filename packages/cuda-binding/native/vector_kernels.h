// The kernels that add, as kernels/vector_add.cu defines them, and the shapes of their launches.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../kernels/kernel_interface.h"
#include "kernel.h"
#include "module.h"
#include "stream.h"

namespace vgpu {

// Where the kernel finds its numbers, as addresses of the device, and where and how it reports its end.
struct VectorLaunch {
  CUdeviceptr a;
  CUdeviceptr b;
  CUdeviceptr out;
  size_t count;
  CUdeviceptr completion;
  uint32_t ticket;
  // Of the stream, below VGPU_STREAM_CAPACITY: launches with the same number follow each other.
  uint32_t stream_number;
};

class VectorKernels {
 public:
  static constexpr const char* scalar_add_name = "scalar_add_kernel";
  static constexpr const char* vector_add_name = "vector_add_kernel";

  // `image` is the fat binary. With the context current. Throws CudaFailure, or KernelMismatch if these
  // are not the kernels of kernel_interface.h.
  VectorKernels(std::shared_ptr<Context> context, const void* image);

  // With the context current. Throw CudaFailure.
  void add_scalars(const vgpu_batch& batch, CUdeviceptr completions, const Stream& stream) const;
  void add_vectors(const VectorLaunch& launch, const Stream& stream) const;

 private:
  const Module module_;
  const TypedKernel<vgpu_batch, CUdeviceptr> scalar_add_;
  const TypedKernel<CUdeviceptr, CUdeviceptr, CUdeviceptr, size_t, CUdeviceptr, uint32_t, uint32_t>
      vector_add_;
};

}  // namespace vgpu
