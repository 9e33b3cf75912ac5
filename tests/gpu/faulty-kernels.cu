// Kernels that go wrong on request, to see on a real GPU what the tests with a stub can only say:
// how the driver reports a fault, and what still works afterwards. Scalars of these values do it.
//
// nvcc -O3 --std=c++17 -gencode=arch=compute_75,code=compute_75 -fatbin
//   -o faulty-kernels.fatbin faulty-kernels.cu
#define scalar_add_kernel healthy_scalar_add_kernel
#include "../../packages/cuda-binding/kernels/vector_add.cu"
#undef scalar_add_kernel

constexpr int traps = 666001;
constexpr int reads_nowhere = 666002;
constexpr int takes_five_seconds = 666003;

extern "C" __global__ void scalar_add_kernel(const vgpu_batch batch, vgpu_completion* completions) {
  if (threadIdx.x >= batch.count) return;
  int a = batch.a[threadIdx.x];
  if (a == traps) __trap();
  // Not a store, which would fail later than the completion below arrives.
  if (a == reads_nowhere) a = *reinterpret_cast<volatile int*>(16);
  if (a == takes_five_seconds) {
    const unsigned long long start = now_ns();
    while (now_ns() - start < 5000000000) {
    }
  }
  const unsigned int ticket = batch.first_ticket + threadIdx.x;
  complete(&completions[ticket % VGPU_RING_CAPACITY], ticket, a + batch.b[threadIdx.x]);
}
