#include "vector_adder.h"

#include <chrono>
#include <mutex>

#include "completion.h"
#include "pipeline.h"

namespace vgpu {

namespace {

constexpr size_t batch_offset = VGPU_RING_CAPACITY * sizeof(vgpu_completion);
constexpr size_t pipeline_offset = batch_offset + sizeof(vgpu_batch);
constexpr size_t control_bytes = pipeline_offset + Pipeline::completions * sizeof(vgpu_completion);
static_assert(pipeline_offset % sizeof(vgpu_completion) == 0);

DeviceInfo describe(int index) {
  VGPU_CALL(Driver::get(), cuInit, 0U);
  return describe_device(index);
}

}  // namespace

VectorAdder::VectorAdder(int index, const std::vector<char>& image)
    : info_(describe(index)),
      context_(std::make_shared<Context>(index)),
      kernels_(std::make_unique<const VectorKernels>(context_, image.data())),
      stream_(std::make_unique<const Stream>(context_)) {
  control_ = std::make_shared<PinnedMemory>(context_, control_bytes);
  try_out();
}

VectorAdder::~VectorAdder() = default;

vgpu_completion* VectorAdder::completions() const {
  return reinterpret_cast<vgpu_completion*>(control_->data());
}

vgpu_batch* VectorAdder::batch() const {
  return reinterpret_cast<vgpu_batch*>(control_->data() + batch_offset);
}

vgpu_completion* VectorAdder::pipeline_completions() const {
  return reinterpret_cast<vgpu_completion*>(control_->data() + pipeline_offset);
}

// Has the driver load the kernels, which it otherwise does at the first launch, and checks their results:
// a device that does not work is reported when it is opened, not by the first request.
void VectorAdder::try_out() const {
  constexpr uint32_t ticket = 0x80000000;
  vgpu_batch& operands = *batch();
  operands = vgpu_batch{ticket, 2, {1, 2147483647}, {2, 1}};
  launch_batch();
  stream_->synchronize();
  volatile vgpu_completion* words = completions();
  const bool adds_scalars = words[0] == (uint64_t{ticket} << 32 | 3) &&
                            words[1] == (uint64_t{ticket + 1} << 32 | 0x80000000);
  const CUdeviceptr a = control_->on_device(operands.a);
  const CUdeviceptr b = control_->on_device(operands.b);
  kernels_->add_vectors({a, b, a, 2, control_->on_device(completions()), ticket, 0}, *stream_);
  stream_->synchronize();
  const bool adds_vectors = operands.a[0] == 3 && operands.a[1] == -2147483647 - 1 &&
                            words[0] >> 32 == ticket;
  if (!adds_scalars) throw CudaFailure{CUDA_ERROR_UNKNOWN, VectorKernels::scalar_add_name};
  if (!adds_vectors) throw CudaFailure{CUDA_ERROR_UNKNOWN, VectorKernels::vector_add_name};
  words[0] = words[1] = 0;
  operands = vgpu_batch{};
}

VectorAdder::Launch VectorAdder::launch_batch() const {
  const std::unique_lock<std::mutex> lock(context_->registering(), std::try_to_lock);
  if (!lock) return Launch::busy;
  const CurrentContext current(*context_);
  kernels_->add_scalars(*batch(), control_->on_device(completions()), *stream_);
  return Launch::launched;
}

VectorAdder::Launch VectorAdder::launch_in_place(const VectorAdd& add) const {
  const size_t bytes = add.count * sizeof(int32_t);
  const auto a = memories_.find(add.a, bytes);
  const auto b = memories_.find(add.b, bytes);
  const auto out = memories_.find(add.out, bytes);
  if (a == nullptr || b == nullptr || out == nullptr) return Launch::not_pinned;
  const std::unique_lock<std::mutex> lock(context_->registering(), std::try_to_lock);
  if (!lock) return Launch::busy;
  const CurrentContext current(*context_);
  const vgpu_completion* completion = completions() + add.ticket % VGPU_RING_CAPACITY;
  kernels_->add_vectors({a->on_device(add.a), b->on_device(add.b), out->on_device(add.out),
                         add.count, control_->on_device(completion), add.ticket, 0},
                        *stream_);
  return Launch::launched;
}

void VectorAdder::wait_for_launches() const {
  const CurrentContext current(*context_);
  StreamCompletion(*stream_).sleep();
}

std::shared_ptr<PinnedMemory> VectorAdder::allocate(size_t bytes) {
  const CurrentContext current(*context_);
  auto memory = std::make_shared<PinnedMemory>(context_, bytes);
  memories_.add(memory);
  return memory;
}

void VectorAdder::release(PinnedMemory& memory) noexcept {
  memories_.remove(memory);
  memory.unregister();
}

Pipeline& VectorAdder::pipeline() {
  if (pipeline_ == nullptr) pipeline_ = std::make_unique<Pipeline>(*this);
  return *pipeline_;
}

void VectorAdder::close() noexcept {
  pipeline_.reset();
  stream_.reset();
  memories_.unregister_all();
  control_->unregister();
  kernels_.reset();
  context_->destroy();
}

}  // namespace vgpu
