#pragma once
// inotify(7) on the event loop of Node: one instance for all the directories that a process watches,
// open while there are any. It does not keep the process alive. The mediator's addon has it, too.
#include <node_api.h>

namespace vgpu {

// watch(path, events, onEvents): a number for `unwatch`, or a negative errno. `events` as those of
// inotify_add_watch(2). `onEvents(names, others)` is told what was read at once: the names that begin
// with VGPU_WATCHED_PREFIX, once for each event, and how many events there were besides.
napi_value watch(napi_env env, napi_callback_info info);
// unwatch(number)
napi_value unwatch(napi_env env, napi_callback_info info);

}  // namespace vgpu
