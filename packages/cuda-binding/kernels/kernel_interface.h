// The interface between the kernels and the code that launches them. Plain C types only: nvcc, the
// addon and the tests' stub of the driver include this file.
#pragma once

#include <stdint.h>

// The largest number of scalar additions in one launch. Two warps: more would make each launch dearer.
#define VGPU_BATCH_CAPACITY 64

// The largest number of tickets in flight, a power of two. Each has a completion word of its own. The
// driver blocks a launch when about a thousand are pending, and JavaScript must never block.
#define VGPU_RING_CAPACITY 256

// The largest number of streams on which vector_add_kernel runs at the same time.
#define VGPU_STREAM_CAPACITY 32

// Operands of scalar_add_kernel, passed by value: they travel with the launch, so that the kernel
// fetches nothing from host memory. Ticket `first_ticket + i` belongs to a[i] + b[i].
struct vgpu_batch {
  uint32_t first_ticket;
  uint32_t count;
  int32_t a[VGPU_BATCH_CAPACITY];
  int32_t b[VGPU_BATCH_CAPACITY];
};

// A completion word: the upper half is the ticket of the launch that has ended. It appears together
// with the lower half, since the device writes all 8 bytes with one store (CUDA C++ Programming Guide,
// "Mapped Memory": naturally aligned accesses of 8 bytes stay single accesses for the host). The lower
// half is the sum of a scalar addition, or the nanoseconds that a vector addition took.
typedef uint64_t vgpu_completion;
