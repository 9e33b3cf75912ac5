// Memory from the system.
#pragma once

#include <cstddef>

namespace vgpu {

constexpr size_t huge_page = size_t{2} << 20;

// Zeroed pages of our own: huge ones from 2 MiB on, where the system has them, which are many times
// cheaper to touch first and to pin.
class Mapping {
 public:
  // Throws CudaFailure (out of memory).
  explicit Mapping(size_t bytes);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* data() const { return data_; }
  // At least what was asked for: whole pages.
  size_t size() const { return size_; }

 private:
  void* start_;
  size_t length_;
  char* data_;
  size_t size_;
};

}  // namespace vgpu
