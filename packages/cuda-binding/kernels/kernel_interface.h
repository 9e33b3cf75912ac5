// What the kernels and the code that launches them have to agree about. Plain C types only: nvcc, the
// addon and the tests' stub of the driver all read this file.
#pragma once

#include <stdint.h>

// Additions of two numbers that one launch can hold. Two warps: more would make each launch dearer.
#define VGPU_BATCH_CAPACITY 64

// Tickets in flight at the same time, a power of two. Each has a completion word of its own. The
// driver blocks a launch when about a thousand wait, which must never happen to JavaScript.
#define VGPU_RING_CAPACITY 256

// Streams on which vector_add_kernel may run at the same time.
#define VGPU_STREAM_CAPACITY 32

// Operands of scalar_add_kernel, passed by value: they travel with the launch, and nothing has to be
// fetched from host memory. Ticket `first_ticket + i` belongs to a[i] + b[i].
struct vgpu_batch {
  uint32_t first_ticket;
  uint32_t count;
  int32_t a[VGPU_BATCH_CAPACITY];
  int32_t b[VGPU_BATCH_CAPACITY];
};

// A completion word: the ticket in its upper half says whose word it is, and appears together with
// the lower half, since the device writes all 8 bytes with one store (CUDA C++ Programming Guide,
// "Mapped Memory": naturally aligned accesses of 8 bytes stay single accesses for the host). The lower
// half is the sum of a scalar addition, or the nanoseconds that a vector addition took.
typedef uint64_t vgpu_completion;
