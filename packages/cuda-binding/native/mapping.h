// Memory from the system.
#pragma once

#include <cstddef>

namespace vgpu {

constexpr size_t huge_page = size_t{2} << 20;

// Zeroed pages of our own. From 2 MiB on they are huge where the system has huge pages, which are many
// times cheaper to write first and to pin.
class Mapping {
 public:
  // Throws CudaFailure (out of memory).
  explicit Mapping(size_t bytes);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* data() const { return data_; }
  // Whole pages: at least the requested bytes.
  size_t size() const { return size_; }

 private:
  void* start_;
  size_t length_;
  char* data_;
  size_t size_;
};

}  // namespace vgpu
