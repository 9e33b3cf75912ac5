// Memory for long results of calls without `out`.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "mapping.h"

namespace vgpu {

// Writing to new pages for the first time takes longer than the addition. So the memory of collected
// results is used again. When memory is short, the system may take idle memory back. Any thread may call
// any function.
class ResultMemory {
 public:
  // Content is undefined. Throws CudaFailure (out of memory).
  std::unique_ptr<Mapping> take(size_t bytes);
  void give_back(std::unique_ptr<Mapping> mapping);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Mapping>> idle_;
  size_t idle_bytes_ = 0;
};

}  // namespace vgpu
