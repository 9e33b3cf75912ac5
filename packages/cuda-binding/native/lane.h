// One of the threads of a pipeline, with its stream and its staging buffers.
#pragma once

#include <memory>
#include <optional>

#include "pipeline.h"

namespace vgpu {

// Works on one addition at a time, chunk after chunk, in two slots by turns, so that one can be copied
// while the other is on the device. When all units of an addition are taken, it leaves the addition and
// wipes its staging buffers before it begins another.
class Lane {
 public:
  Lane(Pipeline& pipeline, uint32_t number);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Works until the pipeline ends.
  void run();

 private:
  // A chunk on its way to the device and back.
  struct Slot {
    bool is_busy = false;
    size_t begin = 0;
    size_t count = 0;
    uint32_t ticket = 0;
    // The longest chunk since the slot was wiped.
    size_t used = 0;
  };

  static constexpr size_t slots = 2;

  void work_on(StagedAdd::Unit unit);
  void leave();
  // These throw CudaFailure.
  void prepare();
  void start(size_t slot);
  void finish(size_t slot);
  void wait_for(size_t slot) const;

  void wipe();
  int32_t* staging(size_t slot, size_t operand) const;
  vgpu_completion* completion(size_t slot) const;

  Pipeline& pipeline_;
  VectorAdder& adder_;
  const uint32_t number_;
  std::unique_ptr<PinnedMemory> memory_;
  std::optional<Stream> stream_;
  std::shared_ptr<StagedAdd> job_;
  // Elements of the job that this lane has taken.
  size_t taken_ = 0;
  Slot slots_[slots];
  size_t next_ = 0;
  uint32_t last_ticket_ = 0;
};

}  // namespace vgpu
