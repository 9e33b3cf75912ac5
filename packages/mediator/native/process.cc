#include "process.h"

#include <sys/file.h>

#include <cerrno>

namespace vgpu {

int lock_file(int file) { return flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno; }

}  // namespace vgpu
