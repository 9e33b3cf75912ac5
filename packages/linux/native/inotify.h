#pragma once
// inotify(7) on the event loop of Node: for each prefix that is watched for one instance, which is open while
// there are watches. It does not keep the process alive.
#include <node_api.h>

namespace vgpu {

// watch(path, events, prefix, onEvents): a number for `unwatch`, or a negative errno. `events` as those of
// inotify_add_watch(2). `onEvents(names, others, areLost)` is told what was read at once: the names that
// begin with the prefix, once for each event, how many events there were besides, and that the kernel's queue
// was full, which one watch of each prefix is told.
napi_value watch(napi_env env, napi_callback_info info);
// unwatch(number)
napi_value unwatch(napi_env env, napi_callback_info info);

}  // namespace vgpu
