#include "mapping.h"

#include <sys/mman.h>

#include <cstdint>

#include "driver.h"

namespace vgpu {

namespace {

constexpr size_t small_page = 4096;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Mapping::Mapping(size_t bytes) {
  const size_t unit = bytes >= huge_page ? huge_page : small_page;
  size_ = round_up(bytes, unit);
  length_ = unit == huge_page ? size_ + huge_page : size_;
  start_ = mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start_ == MAP_FAILED) throw CudaFailure{CUDA_ERROR_OUT_OF_MEMORY, "mmap"};
  data_ = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(start_), unit));
  if (unit == huge_page) madvise(data_, size_, MADV_HUGEPAGE);
}

Mapping::~Mapping() { munmap(start_, length_); }

}  // namespace vgpu
