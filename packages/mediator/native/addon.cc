// What TypeScript sees; src/native.ts has the types.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <cstring>

#include "files.h"
#include "inotify.h"
#include "notify.h"
#include "process.h"
#include "values.h"

namespace vgpu {
namespace {

// statAt(directory, name, stats)
napi_value stat(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Stats stats{};
  const int status = stat_at(arguments.int32(0), arguments.text(1).c_str(), stats);
  std::memcpy(arguments.array<int64_t>(2).first, &stats, sizeof stats);
  return number(env, status);
}

// readAt(directory, name, bytes, stats)
napi_value read(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Stats stats{};
  const auto [bytes, capacity] = arguments.array<char>(2);
  const int64_t length =
      read_at(arguments.int32(0), arguments.text(1).c_str(), bytes, capacity, stats);
  std::memcpy(arguments.array<int64_t>(3).first, &stats, sizeof stats);
  return number(env, static_cast<double>(length));
}

// createAt(directory, name, content, mode, uid, gid, mtimeNs)
napi_value create(napi_env env, napi_callback_info info) {
  const Arguments<7> arguments(env, info);
  const Attributes attributes = {static_cast<uint32_t>(arguments.int32(3)),
                                 static_cast<uint32_t>(arguments.bigint(4)),
                                 static_cast<uint32_t>(arguments.bigint(5)), arguments.bigint(6)};
  return number(env, create_at(arguments.int32(0), arguments.text(1).c_str(), arguments.bytes(2),
                               attributes));
}

// openAt(directory, name)
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  return number(env, open_at(arguments.int32(0), arguments.text(1).c_str()));
}

// renameAt(directory, from, to), linkAt(directory, from, to)
template <int (*operation)(int, const char*, const char*)>
napi_value of_two_names(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  return number(env, operation(arguments.int32(0), arguments.text(1).c_str(),
                               arguments.text(2).c_str()));
}

// unlinkAt(directory, name), rmdirAt(directory, name)
template <int flags>
napi_value unlink(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  return number(env, unlink_at(arguments.int32(0), arguments.text(1).c_str(), flags));
}

// notify(socketPath, text)
napi_value notify_manager(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  return number(env, notify(arguments.text(0), arguments.text(1)));
}

// flock(file)
napi_value lock(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return number(env, lock_file(arguments.int32(0)));
}

// exit(status)
napi_value exit_now(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  _exit(arguments.int32(0));
}

}  // namespace
}  // namespace vgpu

NAPI_MODULE_INIT() {
  const auto set = [=](const char* name, napi_callback callback) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  };
  set("statAt", vgpu::stat);
  set("readAt", vgpu::read);
  set("createAt", vgpu::create);
  set("openAt", vgpu::open);
  set("renameAt", vgpu::of_two_names<vgpu::rename_at>);
  set("linkAt", vgpu::of_two_names<vgpu::link_at>);
  set("unlinkAt", vgpu::unlink<0>);
  set("rmdirAt", vgpu::unlink<AT_REMOVEDIR>);
  set("watch", vgpu::watch);
  set("unwatch", vgpu::unwatch);
  set("notify", vgpu::notify_manager);
  set("flock", vgpu::lock);
  set("exit", vgpu::exit_now);
  napi_value hash;
  napi_create_string_utf8(env, VGPU_SOURCE_HASH, NAPI_AUTO_LENGTH, &hash);
  napi_set_named_property(env, exports, "sourceHash", hash);
  return exports;
}
