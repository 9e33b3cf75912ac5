// What TypeScript sees; src/native.ts has the types.
#include <node_api.h>
#include <unistd.h>

#include <cstring>

#include "disposal.h"
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

// openAt(directory, name), holdAt(directory, name)
template <int (*operation)(int, const char*)>
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  return number(env, operation(arguments.int32(0), arguments.text(1).c_str()));
}

// renameAt(directory, from, to, flags)
napi_value rename(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  return number(env, rename_at(arguments.int32(0), arguments.text(1).c_str(),
                               arguments.text(2).c_str(),
                               static_cast<uint32_t>(arguments.int32(3))));
}

// linkAt(directory, from, to)
napi_value link(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  return number(env, link_at(arguments.int32(0), arguments.text(1).c_str(),
                             arguments.text(2).c_str()));
}

// removeLater(directory, name), removeDirectoryLater(directory, name)
template <bool is_directory>
napi_value remove(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const size_t rest = remove_later(arguments.int32(0), arguments.text(1), is_directory);
  return number(env, static_cast<double>(rest));
}

// closeLater(directory, descriptor)
napi_value close(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  return number(env, static_cast<double>(close_later(arguments.int32(0), arguments.int32(1))));
}

// outstanding(directory)
napi_value look(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return number(env, static_cast<double>(outstanding(arguments.int32(0))));
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
  set("openAt", vgpu::open<vgpu::open_at>);
  set("holdAt", vgpu::open<vgpu::hold_at>);
  set("renameAt", vgpu::rename);
  set("linkAt", vgpu::link);
  set("removeLater", vgpu::remove<false>);
  set("removeDirectoryLater", vgpu::remove<true>);
  set("closeLater", vgpu::close);
  set("outstanding", vgpu::look);
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
