#pragma once
// Removes names and closes files of guests on threads. To free a file of many extents takes the kernel
// seconds on a disk that discards, and the thread that removes its last name or closes its last descriptor waits.
#include <cstddef>
#include <string>

namespace vgpu {

// Each gives what is outstanding for `directory`, an open descriptor, which stays open until its own
// number comes to `close_later`. What is given for one directory happens in its order.
size_t remove_later(int directory, std::string name, bool is_directory);
size_t close_later(int directory, int descriptor);
size_t outstanding(int directory);

}  // namespace vgpu
