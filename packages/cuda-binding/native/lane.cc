#include "lane.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace vgpu {

namespace {

constexpr size_t chunk_bytes = size_t{512} << 10;
constexpr size_t chunk_elements = chunk_bytes / sizeof(int32_t);
constexpr int operands = 3;

// A chunk takes some 30 microseconds. Sleeping until it is done would add as much again.
constexpr auto spinning_time = std::chrono::milliseconds(1);

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

// Stream number 0 is the device's own.
Lane::Lane(Pipeline& pipeline, uint32_t number)
    : pipeline_(pipeline), device_(pipeline.device_), stream_number_(number + 1) {}

Lane::~Lane() {
  const Driver& driver = device_.driver();
  if (stream_ != nullptr) {
    status_of(driver.cuStreamSynchronize, stream_);
    status_of(driver.cuStreamDestroy, stream_);
  }
  if (memory_ != nullptr) memory_->unregister();
}

void Lane::run() {
  for (;;) {
    const bool is_idle = slots_[0].job == nullptr && slots_[1].job == nullptr;
    if (const auto work = pipeline_.take(is_idle)) {
      work_on(work->job, work->unit);
    } else if (is_idle) {
      return;
    } else {
      finish_all();
      wipe();
    }
  }
}

// What one addition leaves behind is not there any more when a kernel works for another.
void Lane::wipe() {
  for (int slot = 0; slot < slots; slot++) {
    if (used_[slot] == 0) continue;
    for (int operand = 0; operand < operands; operand++) {
      memset(staging(slot, operand), 0, used_[slot] * sizeof(int32_t));
    }
    used_[slot] = 0;
  }
}

// Does what is still missing: whatever failed is tried again for the next addition.
void Lane::prepare() {
  const Driver& driver = device_.driver();
  VGPU_CALL(driver, cuCtxSetCurrent, device_.context());
  if (stream_ == nullptr) VGPU_CALL(driver, cuStreamCreate, &stream_, CU_STREAM_NON_BLOCKING);
  if (memory_ == nullptr) {
    memory_ = std::make_unique<PinnedMemory>(
        driver, slots * (operands * chunk_bytes + sizeof(vgpu_completion)));
  }
}

void Lane::work_on(const std::shared_ptr<StagedAdd>& job, StagedAdd::Unit unit) {
  for (size_t begin = unit.begin; begin < unit.end; begin += chunk_elements) {
    const size_t count = std::min(chunk_elements, unit.end - begin);
    const int slot = next_;
    next_ = (next_ + 1) % slots;
    if (slots_[slot].job != nullptr) finish(slot);
    slots_[slot] = Slot{job, begin, count, ++last_ticket_};
    start(slot);
  }
}

void Lane::start(int slot) {
  const Slot& chunk = slots_[slot];
  StagedAdd& job = *chunk.job;
  std::optional<CudaFailure> failure;
  try {
    if (!job.has_failed()) {
      prepare();
      const bool is_copied = device_.caller_memory().access([&] {
        const size_t bytes = chunk.count * sizeof(int32_t);
        used_[slot] = std::max(used_[slot], chunk.count);
        if (job.a == nullptr) memcpy(staging(slot, 0), job.add.a + chunk.begin, bytes);
        if (job.b == nullptr) memcpy(staging(slot, 1), job.add.b + chunk.begin, bytes);
      });
      const auto on_device = [&](const std::shared_ptr<PinnedMemory>& home, const int32_t* data,
                                 int operand) {
        return home == nullptr ? memory_->on_device(staging(slot, operand))
                               : home->on_device(data + chunk.begin);
      };
      if (is_copied) {
        device_.launch(VectorLaunch{on_device(job.a, job.add.a, 0), on_device(job.b, job.add.b, 1),
                                    on_device(job.out, job.add.out, 2), chunk.count,
                                    memory_->on_device(completion(slot)), chunk.ticket, stream_number_},
                       stream_);
        return;
      }
    }
  } catch (const CudaFailure& thrown) {
    failure = thrown;
  }
  job.finish(chunk.count, failure);
  slots_[slot].job = nullptr;
}

void Lane::finish(int slot) {
  const Slot& chunk = slots_[slot];
  StagedAdd& job = *chunk.job;
  std::optional<CudaFailure> failure;
  try {
    wait_for(slot);
    if (job.out == nullptr) {
      device_.caller_memory().access([&] {
        memcpy(job.add.out + chunk.begin, staging(slot, 2), chunk.count * sizeof(int32_t));
      });
    }
  } catch (const CudaFailure& thrown) {
    failure = thrown;
  }
  job.finish(chunk.count, failure);
  slots_[slot].job = nullptr;
}

void Lane::finish_all() {
  for (int i = 0; i < slots; i++) {
    const int slot = (next_ + i) % slots;
    if (slots_[slot].job != nullptr) finish(slot);
  }
}

void Lane::wait_for(int slot) {
  const auto is_complete = [&] {
    return __atomic_load_n(completion(slot), __ATOMIC_ACQUIRE) >> 32 == slots_[slot].ticket;
  };
  const auto deadline = std::chrono::steady_clock::now() + spinning_time;
  while (!is_complete()) {
    if (std::chrono::steady_clock::now() < deadline) {
      relax();
      continue;
    }
    VGPU_CALL(device_.driver(), cuStreamSynchronize, stream_);
    if (!is_complete()) throw CudaFailure{CUDA_ERROR_UNKNOWN, "vector_add_kernel"};
  }
}

int32_t* Lane::staging(int slot, int operand) const {
  return reinterpret_cast<int32_t*>(memory_->data() + (slot * operands + operand) * chunk_bytes);
}

vgpu_completion* Lane::completion(int slot) const {
  char* words = memory_->data() + slots * operands * chunk_bytes;
  return reinterpret_cast<vgpu_completion*>(words) + slot;
}

}  // namespace vgpu
