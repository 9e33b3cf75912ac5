// Kernels with the names of those of the package, but `n` has 4 bytes and not 8: they show on a real GPU
// that opening a device compares the parameters.
//
// nvcc -O3 --std=c++17 -gencode=arch=compute_75,code=compute_75 -fatbin
//   -o other-kernels.fatbin other-kernels.cu
#include "../../packages/cuda-binding/kernels/kernel_interface.h"

extern "C" __global__ void scalar_add_kernel(const vgpu_batch, vgpu_completion*) {}

extern "C" __global__ void vector_add_kernel(const int*, const int*, int*, unsigned int n,
                                             vgpu_completion*, unsigned int, unsigned int) {}
