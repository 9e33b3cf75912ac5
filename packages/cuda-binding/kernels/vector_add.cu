// The kernels. They work on pinned host memory that is mapped into the address space of the device. So
// no copies of the numbers stay in device memory, and a single launch reads over PCIe, adds, and writes
// back over PCIe at the same time.

#include "kernel_interface.h"

namespace {

// The state that the blocks of one launch share. Launches on one stream follow one another, so that
// each stream has one. All zero between launches.
struct Progress {
  unsigned long long inverted_start;  // ~ of the earliest block's start, nanoseconds
  unsigned int finished_blocks;
};

__device__ Progress progress[VGPU_STREAM_CAPACITY];

// PTX ISA, "Special Registers: %globaltimer": nanoseconds, the same for all multiprocessors.
__device__ unsigned long long now_ns() {
  unsigned long long ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
  return ns;
}

// A volatile store is a relaxed store of system scope (PTX ISA, "Memory Consistency Model").
__device__ void complete(vgpu_completion* completion, unsigned int ticket, unsigned int value) {
  *static_cast<volatile vgpu_completion*>(completion) =
      static_cast<vgpu_completion>(ticket) << 32 | value;
}

__device__ int4 sum(const int4& x, const int4& y) {
  return make_int4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w);
}

__device__ int sum(int x, int y) { return x + y; }

// A grid-stride loop. The latency of host memory is about a microsecond, so each thread requests
// several elements before it needs the first. Streaming accesses: nothing is read twice.
template <typename Element>
__device__ void add_all(const Element* a, const Element* b, Element* out, unsigned long long n) {
  constexpr int in_flight = 4;
  const unsigned long long stride = static_cast<unsigned long long>(gridDim.x) * blockDim.x;
  unsigned long long i = static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i + (in_flight - 1) * stride < n; i += in_flight * stride) {
    Element x[in_flight];
    Element y[in_flight];
#pragma unroll
    for (int k = 0; k < in_flight; k++) {
      x[k] = __ldcs(a + i + k * stride);
      y[k] = __ldcs(b + i + k * stride);
    }
#pragma unroll
    for (int k = 0; k < in_flight; k++) __stcs(out + i + k * stride, sum(x[k], y[k]));
  }
  for (; i < n; i += stride) out[i] = sum(a[i], b[i]);
}

}  // namespace

// out[i] = a[i] + b[i] for i < n, wrapping, then the completion word. `out` may be `a` or `b`.
extern "C" __global__ void vector_add_kernel(const int* a, const int* b, int* out,
                                             unsigned long long n, vgpu_completion* completion,
                                             unsigned int ticket, unsigned int stream) {
  Progress& mine = progress[stream];
  if (threadIdx.x == 0) atomicMax(&mine.inverted_start, ~now_ns());

  const auto addresses = reinterpret_cast<unsigned long long>(a) |
                         reinterpret_cast<unsigned long long>(b) |
                         reinterpret_cast<unsigned long long>(out);
  if (addresses % sizeof(int4) == 0) {
    const unsigned long long quads = n / 4;
    add_all(reinterpret_cast<const int4*>(a), reinterpret_cast<const int4*>(b),
            reinterpret_cast<int4*>(out), quads);
    add_all(a + 4 * quads, b + 4 * quads, out + 4 * quads, n % 4);
  } else {
    add_all(a, b, out, n);
  }

  // The host sees the results of a block before the block counts as finished, and those of all blocks
  // before the completion word (CUDA C++ Programming Guide, "Memory Fence Functions").
  __syncthreads();
  if (threadIdx.x != 0) return;
  __threadfence_system();
  if (atomicAdd(&mine.finished_blocks, 1) != gridDim.x - 1) return;
  mine.finished_blocks = 0;
  const unsigned long long start = ~atomicExch(&mine.inverted_start, 0);
  const unsigned long long elapsed_ns = now_ns() - start;
  __threadfence_system();
  complete(completion, ticket, elapsed_ns > 0xffffffff ? 0xffffffff : elapsed_ns);
}

// One launch for a batch of additions of two numbers; `completions` is the ring.
extern "C" __global__ void scalar_add_kernel(const vgpu_batch batch, vgpu_completion* completions) {
  if (threadIdx.x >= batch.count) return;
  const unsigned int ticket = batch.first_ticket + threadIdx.x;
  const int result = batch.a[threadIdx.x] + batch.b[threadIdx.x];
  complete(&completions[ticket % VGPU_RING_CAPACITY], ticket, result);
}
