#pragma once

namespace vgpu {

// Locks an open file, for nobody else to lock it as well (flock(2)). Never waits. Gives 0 or a negative
// errno: -EWOULDBLOCK where the lock belongs to another open file.
int lock_file(int file);

}  // namespace vgpu
