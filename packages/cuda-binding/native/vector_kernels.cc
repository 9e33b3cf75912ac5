#include "vector_kernels.h"

#include <algorithm>
#include <utility>

namespace vgpu {

namespace {

constexpr LaunchConfig scalar_launch{{1}, {VGPU_BATCH_CAPACITY}};

// Few blocks on purpose. Half a megabyte of reads in flight fills PCIe 5.0 x16. That is the request of 16
// blocks of 256 threads: each thread reads 4 times 16 bytes of both operands. On an H200, 132 blocks of
// 512 threads add 4 MiB at 66 % of the rate of these, and leave no room for other kernels.
constexpr unsigned block_threads = 256;
constexpr size_t max_blocks = 16;
constexpr size_t elements_per_thread = 16;

constexpr LaunchConfig vector_launch(size_t count) {
  const size_t wanted = (count / elements_per_thread + block_threads - 1) / block_threads;
  return {{static_cast<unsigned>(std::clamp<size_t>(wanted, 1, max_blocks))}, {block_threads}};
}

}  // namespace

VectorKernels::VectorKernels(std::shared_ptr<Context> context, const void* image)
    : module_(std::move(context), image),
      scalar_add_(module_, scalar_add_name),
      vector_add_(module_, vector_add_name) {
  // No launch has more blocks or threads, so none has to be checked.
  scalar_add_.expect_launchable(scalar_launch);
  vector_add_.expect_launchable(vector_launch(SIZE_MAX));
}

void VectorKernels::add_scalars(const vgpu_batch& batch, CUdeviceptr completions,
                                const Stream& stream) const {
  scalar_add_.launch(scalar_launch, stream, batch, completions);
}

void VectorKernels::add_vectors(const VectorLaunch& launch, const Stream& stream) const {
  vector_add_.launch(vector_launch(launch.count), stream, launch.a, launch.b, launch.out,
                     launch.count, launch.completion, launch.ticket, launch.stream_number);
}

}  // namespace vgpu
