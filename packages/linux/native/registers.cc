#include "registers.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "status.h"

namespace vgpu {
namespace {

class File {
 public:
  // O_NONBLOCK, since a FIFO may stand there and would block the open.
  explicit File(const char* path)
      : descriptor_(open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

class Mapping {
 public:
  Mapping(const File& file, size_t bytes)
      : bytes_(bytes), address_(mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.descriptor(), 0)) {}
  ~Mapping() {
    if (is_mapped()) munmap(address_, bytes_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool is_mapped() const { return address_ != MAP_FAILED; }
  const volatile uint32_t* words() const { return static_cast<const volatile uint32_t*>(address_); }

 private:
  const size_t bytes_;
  void* const address_;
};

}  // namespace

Reading read_words(const char* path, size_t count) {
  const size_t bytes = count * sizeof(uint32_t);
  const File file(path);
  if (file.descriptor() < 0) return SystemFailure{"open", errno};

  // A load behind the end of a file is a SIGBUS, which ends the process.
  struct stat status;
  if (status_of(file.descriptor(), status) < 0) return SystemFailure{"fstat", errno};
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size < bytes) return TooShort{size};

  const Mapping mapping(file, bytes);
  if (!mapping.is_mapped()) return SystemFailure{"mmap", errno};

  // One load of 32 bits for each word: a device may answer no other. memcpy may use any.
  std::vector<uint32_t> words(count);
  for (size_t i = 0; i < count; ++i) words[i] = mapping.words()[i];
  return words;
}

}  // namespace vgpu
