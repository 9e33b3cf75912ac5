#pragma once
#include <string>

namespace vgpu {

// Sends a text to the service manager's datagram socket, as sd_notify(3) does; a path that begins with
// `@` is a name in the abstract namespace. Never waits. Gives 0 or a negative errno.
int notify(const std::string& path, const std::string& text);

}  // namespace vgpu
