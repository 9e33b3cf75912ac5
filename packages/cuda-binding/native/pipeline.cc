#include "pipeline.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "condition.h"
#include "lane.h"
#include "mapping.h"

namespace vgpu {

namespace {

// A unit is a huge page of the result, if that is large enough. Otherwise two lanes could write to the
// same page first, and the system would clear it for both.
constexpr size_t min_unit_bytes = size_t{64} << 10;
constexpr size_t alignment = 64;

size_t unit_elements(size_t count, size_t lanes) {
  const size_t share = (count * sizeof(int32_t) / lanes + alignment - 1) / alignment * alignment;
  return std::clamp(share, min_unit_bytes, huge_page) / sizeof(int32_t);
}

size_t lane_count() {
  // Many processors are needed to copy as fast as PCIe does, but some are left to others.
  return std::clamp<size_t>(std::thread::hardware_concurrency() * 3 / 4, 1, Pipeline::max_lanes);
}

}  // namespace

StagedAdd::StagedAdd(const VectorAdder& adder, const VectorAdd& add, size_t lanes, Done done)
    : add(add),
      a(adder.memories().find(add.a, add.count * sizeof(int32_t))),
      b(adder.memories().find(add.b, add.count * sizeof(int32_t))),
      out(adder.memories().find(add.out, add.count * sizeof(int32_t))),
      unit_(unit_elements(add.count, lanes)),
      done_(std::move(done)),
      unfinished_(add.count) {}

std::optional<StagedAdd::Unit> StagedAdd::take() {
  if (taken_ == add.count) return std::nullopt;
  const size_t begin = taken_;
  size_t length = unit_;
  if (begin == 0 && unit_ * sizeof(int32_t) == huge_page) {
    // Up to the first boundary of a page, so that the following units are pages.
    length -= reinterpret_cast<uintptr_t>(add.out) % huge_page / sizeof(int32_t);
  }
  taken_ = std::min(begin + length, add.count);
  return Unit{begin, taken_};
}

void StagedAdd::fail(const CudaFailure& failure) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failure_) failure_ = failure;
}

void StagedAdd::leave(size_t elements) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    unfinished_ -= elements;
    if (unfinished_ > 0) return;
  }
  done_(failure_);
}

bool StagedAdd::has_failed() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return failure_.has_value();
}

Pipeline::Pipeline(VectorAdder& adder) : adder_(adder), lanes_(lane_count()) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (size_t number = 0; number < lanes_; number++) {
    try {
      std::thread([this, number] {
        Lane(*this, static_cast<uint32_t>(number)).run();
        const std::lock_guard<std::mutex> lock(mutex_);
        running_lanes_--;
        has_changed_.notify_all();
      }).detach();
    } catch (const std::system_error&) {
      // Fewer are enough.
      if (number == 0) throw;
      lanes_ = number;
      break;
    }
    running_lanes_++;
  }
}

Pipeline::~Pipeline() {
  std::unique_lock<std::mutex> lock(mutex_);
  is_closed_ = true;
  has_changed_.notify_all();
  while (running_lanes_ > 0) wait(has_changed_, lock);
}

void Pipeline::submit(const VectorAdd& add, StagedAdd::Done done) {
  auto job = std::make_shared<StagedAdd>(adder_, add, lanes_, std::move(done));
  const std::lock_guard<std::mutex> lock(mutex_);
  jobs_.push_back(std::move(job));
  has_changed_.notify_all();
}

std::optional<Pipeline::Work> Pipeline::take(bool may_wait) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    while (!jobs_.empty()) {
      const auto job = jobs_.front();
      if (const auto unit = job->take()) return Work{job, *unit};
      jobs_.pop_front();
    }
    if (!may_wait || is_closed_) return std::nullopt;
    wait(has_changed_, lock);
  }
}

}  // namespace vgpu
