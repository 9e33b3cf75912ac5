// The addition of vectors in ordinary memory, which the device can't reach.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "vector_adder.h"

namespace vgpu {

// An addition that is cut into units; several lanes work on them at the same time.
class StagedAdd {
 public:
  using Done = std::function<void(std::optional<CudaFailure>)>;

  // `done` is called once, on a thread of the pipeline, when no lane works on it any more.
  StagedAdd(const VectorAdder& adder, const VectorAdd& add, size_t lanes, Done done);

  struct Unit {
    size_t begin;
    size_t end;
  };

  // The next unit that no lane has taken. With the pipeline's lock held.
  std::optional<Unit> take();
  // No further chunk is begun.
  void fail(const CudaFailure& failure);
  bool has_failed();
  // A lane does not use this number of elements any more, whether they are done or not.
  void leave(size_t elements);

  const VectorAdd add;
  // The pinned memory of an operand. Null for one in ordinary memory, which has to be copied.
  const std::shared_ptr<PinnedMemory> a;
  const std::shared_ptr<PinnedMemory> b;
  const std::shared_ptr<PinnedMemory> out;

 private:
  const size_t unit_;
  const Done done_;
  size_t taken_ = 0;
  std::mutex mutex_;
  size_t unfinished_;
  std::optional<CudaFailure> failure_;
};

// Copy in, addition and copy out overlap: each of several lanes, which has a thread, a stream and staging
// buffers, takes a unit of the work, copies a chunk in, launches the kernel on it, and copies an earlier
// chunk out meanwhile. Additions begin in the order in which they are submitted.
//
// The staging buffers are allocated once, when they are first needed: 3 MiB of pinned memory per lane.
class Pipeline {
 public:
  static constexpr size_t max_lanes = 12;
  // The completion words of the lanes, two each.
  static constexpr size_t completions = 2 * max_lanes;

  // Throws std::system_error if no thread can be started.
  explicit Pipeline(VectorAdder& adder);
  // Waits for all submitted additions.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // On the JavaScript thread; never waits.
  void submit(const VectorAdd& add, StagedAdd::Done done);

 private:
  friend class Lane;

  struct Work {
    std::shared_ptr<StagedAdd> job;
    StagedAdd::Unit unit;
  };

  // The next unit; waits for one if `may_wait`, until the pipeline ends.
  std::optional<Work> take(bool may_wait);

  VectorAdder& adder_;
  size_t lanes_;
  std::mutex mutex_;
  std::condition_variable has_changed_;
  std::deque<std::shared_ptr<StagedAdd>> jobs_;
  size_t running_lanes_ = 0;
  bool is_closed_ = false;
};

}  // namespace vgpu
