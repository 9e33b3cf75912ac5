#include "status.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vgpu {

int status_at(int directory, const char* name, int flags, struct stat& status) {
#if defined(__GLIBC__) && defined(__LP64__) && defined(SYS_newfstatat)
  // Where words have 64 bits the structures of the kernel and of glibc are the same.
  return static_cast<int>(syscall(SYS_newfstatat, directory, name, &status, flags));
#else
  return fstatat(directory, name, &status, flags);
#endif
}

int status_of(int descriptor, struct stat& status) {
  return status_at(descriptor, "", AT_EMPTY_PATH, status);
}

}  // namespace vgpu
