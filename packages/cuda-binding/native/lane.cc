#include "lane.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include "completion.h"

namespace vgpu {

namespace {

constexpr size_t chunk_bytes = size_t{512} << 10;
constexpr size_t chunk_elements = chunk_bytes / sizeof(int32_t);
constexpr size_t operands = 3;

// A chunk takes some 30 microseconds. Sleeping until it is done would add as much again.
constexpr auto spinning_time = std::chrono::milliseconds(1);

}  // namespace

Lane::Lane(Pipeline& pipeline, uint32_t number)
    : pipeline_(pipeline), adder_(pipeline.adder_), number_(number) {}

void Lane::run() {
  for (;;) {
    const bool is_idle = job_ == nullptr;
    const auto work = pipeline_.take(is_idle);
    if (!work && is_idle) return;
    if (!is_idle && (!work || work->job != job_)) leave();
    if (!work) continue;
    job_ = work->job;
    work_on(work->unit);
  }
}

void Lane::work_on(StagedAdd::Unit unit) {
  taken_ += unit.end - unit.begin;
  for (size_t begin = unit.begin; begin < unit.end; begin += chunk_elements) {
    if (job_->has_failed()) return;
    try {
      prepare();
      Slot& slot = slots_[next_];
      if (slot.is_busy) finish(next_);
      slot.begin = begin;
      slot.count = std::min(chunk_elements, unit.end - begin);
      start(next_);
    } catch (const CudaFailure& failure) {
      job_->fail(failure);
    } catch (const std::bad_alloc&) {
      job_->fail(CudaFailure{CUDA_ERROR_OUT_OF_MEMORY, "malloc"});
    }
    next_ = (next_ + 1) % slots;
  }
}

void Lane::leave() {
  for (size_t i = 0; i < slots; i++) {
    const size_t slot = (next_ + i) % slots;
    try {
      if (slots_[slot].is_busy) finish(slot);
    } catch (const CudaFailure& failure) {
      job_->fail(failure);
    }
  }
  const auto job = std::exchange(job_, nullptr);
  job->leave(std::exchange(taken_, 0));
  // After leaving, so that no caller waits for it.
  wipe();
}

// Creates what is still missing: what failed is tried again for the next addition.
void Lane::prepare() {
  if (memory_ != nullptr) return;
  const std::shared_ptr<Context>& context = adder_.context();
  context->use_on_this_thread();
  if (!stream_) stream_.emplace(context);
  memory_ = std::make_unique<PinnedMemory>(context, slots * operands * chunk_bytes);
}

void Lane::start(size_t number) {
  Slot& slot = slots_[number];
  const StagedAdd& job = *job_;
  const bool is_copied = adder_.caller_memory().access([&] {
    const size_t bytes = slot.count * sizeof(int32_t);
    slot.used = std::max(slot.used, slot.count);
    if (job.a == nullptr) memcpy(staging(number, 0), job.add.a + slot.begin, bytes);
    if (job.b == nullptr) memcpy(staging(number, 1), job.add.b + slot.begin, bytes);
  });
  // The environment has ended, and with it the call.
  if (!is_copied) return;
  const auto on_device = [&](const std::shared_ptr<PinnedMemory>& home, const int32_t* data,
                             size_t operand) {
    return home == nullptr ? memory_->on_device(staging(number, operand))
                           : home->on_device(data + slot.begin);
  };
  slot.ticket = ++last_ticket_;
  adder_.kernels().add_vectors(
      {on_device(job.a, job.add.a, 0), on_device(job.b, job.add.b, 1),
       on_device(job.out, job.add.out, 2), slot.count,
       adder_.control()->on_device(completion(number)), slot.ticket,
       // 0 is the adder's own stream.
       number_ + 1},
      *stream_);
  slot.is_busy = true;
}

void Lane::finish(size_t number) {
  Slot& slot = slots_[number];
  slot.is_busy = false;
  wait_for(number);
  if (job_->out != nullptr) return;
  adder_.caller_memory().access([&] {
    memcpy(job_->add.out + slot.begin, staging(number, 2), slot.count * sizeof(int32_t));
  });
}

void Lane::wait_for(size_t number) const {
  const WordCompletion end(completion(number), slots_[number].ticket, *stream_,
                           VectorKernels::vector_add_name);
  vgpu::wait_for(end, spinning_time);
}

void Lane::wipe() {
  for (size_t number = 0; number < slots; number++) {
    const size_t used = std::exchange(slots_[number].used, 0);
    for (size_t operand = 0; operand < operands && used > 0; operand++) {
      memset(staging(number, operand), 0, used * sizeof(int32_t));
    }
  }
}

int32_t* Lane::staging(size_t slot, size_t operand) const {
  return reinterpret_cast<int32_t*>(memory_->data() + (slot * operands + operand) * chunk_bytes);
}

vgpu_completion* Lane::completion(size_t slot) const {
  return adder_.pipeline_completions() + number_ * slots + slot;
}

}  // namespace vgpu
