// Memory for long results that nobody has prepared a place for.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "mapping.h"

namespace vgpu {

// To touch new pages first takes longer than to add what comes to stand there. So the memory of
// results that were collected is used again. The system may take idle memory back when it is short.
// Any thread may call any function.
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
