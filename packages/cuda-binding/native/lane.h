// One of the threads of a pipeline, with its stream and its staging buffers.
#pragma once

#include <memory>
#include <optional>

#include "pipeline.h"

namespace vgpu {

class Lane {
 public:
  Lane(Pipeline& pipeline, uint32_t number);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Works until the pipeline ends.
  void run();

 private:
  // A chunk on its way: none while `job` is null.
  struct Slot {
    std::shared_ptr<StagedAdd> job;
    size_t begin = 0;
    size_t count = 0;
    uint32_t ticket = 0;
  };

  static constexpr int slots = 2;

  void prepare();
  void work_on(const std::shared_ptr<StagedAdd>& job, StagedAdd::Unit unit);
  void start(int slot);
  void finish(int slot);
  void finish_all();
  void wait_for(int slot);
  void wipe();
  int32_t* staging(int slot, int operand) const;
  vgpu_completion* completion(int slot) const;

  Pipeline& pipeline_;
  Device& device_;
  const uint32_t stream_number_;
  CUstream stream_ = nullptr;
  std::unique_ptr<PinnedMemory> memory_;
  Slot slots_[slots];
  // Elements of each operand's staging buffer that were written to since they were wiped.
  size_t used_[slots] = {};
  int next_ = 0;
  uint32_t last_ticket_ = 0;
};

}  // namespace vgpu
