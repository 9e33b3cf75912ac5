#pragma once
#include <sys/stat.h>

namespace vgpu {

// As fstatat(2) and fstat(2): 0, or -1 and errno. What is linked on a glibc since 2.33 by their own names
// needs a glibc as new, and Node runs on older ones.
int status_at(int directory, const char* name, int flags, struct stat& status);
int status_of(int descriptor, struct stat& status);

}  // namespace vgpu
