// Registers of a device, read from the file by which Linux lets its memory be mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace vgpu {

// A system call that failed, with its errno.
struct SystemFailure {
  const char* operation;
  int error;
};

// The file is shorter than what was to be read.
struct TooShort {
  uint64_t size;
};

using Reading = std::variant<std::vector<uint32_t>, SystemFailure, TooShort>;

// No more than one page is ever mapped: the smallest that a BAR may be mapped by.
constexpr size_t kMostWords = 1024;

// Reads the first words of the file, at most kMostWords. As they lie in memory: a word of a
// little-endian device is to be taken for four bytes, not for a number.
Reading read_words(const char* path, size_t count);

}  // namespace vgpu
