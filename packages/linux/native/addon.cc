// What TypeScript sees; src/addon.ts has the types. Several threads may load it.
#include <node_api.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "disposal.h"
#include "files.h"
#include "inotify.h"
#include "notify.h"
#include "registers.h"
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
  return number(env, flock(arguments.int32(0), LOCK_EX | LOCK_NB) < 0 ? -errno : 0);
}

struct ToValue {
  napi_env env;

  // A Uint8Array of the words as they lay in memory.
  napi_value operator()(const std::vector<uint32_t>& words) const {
    const size_t bytes = words.size() * sizeof(uint32_t);
    void* data = nullptr;
    napi_value buffer;
    napi_value array;
    if (napi_create_arraybuffer(env, bytes, &data, &buffer) != napi_ok ||
        napi_create_typedarray(env, napi_uint8_array, bytes, buffer, 0, &array) != napi_ok) {
      return nullptr;
    }
    std::memcpy(data, words.data(), bytes);
    return array;
  }

  napi_value operator()(const SystemFailure& failure) const {
    napi_value object;
    napi_create_object(env, &object);
    napi_set_named_property(env, object, "operation", text(env, failure.operation));
    napi_set_named_property(env, object, "errno", number(env, failure.error));
    return object;
  }

  napi_value operator()(const TooShort& file) const {
    napi_value object;
    napi_create_object(env, &object);
    napi_set_named_property(env, object, "size", number(env, static_cast<double>(file.size)));
    return object;
  }
};

bool to_path(napi_env env, napi_value value, std::string& path) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  path.resize(length);
  // Room for the terminator, which a std::string has behind its end.
  napi_get_value_string_utf8(env, value, path.data(), length + 1, &length);
  return path.find('\0') == std::string::npos;
}

// readWords(path, count). What it is given is checked: it maps memory.
napi_value read_registers(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::string path;
  uint32_t count = 0;
  if (!to_path(env, arguments[0], path)) {
    napi_throw_type_error(env, nullptr, "expected a path without a null character, and a count");
    return nullptr;
  }
  if (napi_get_value_uint32(env, arguments[1], &count) != napi_ok || count == 0 ||
      count > kMostWords) {
    napi_throw_type_error(env, nullptr, "expected a count from 1 to 1024");
    return nullptr;
  }
  return std::visit(ToValue{env}, read_words(path.c_str(), count));
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
  set("readWords", vgpu::read_registers);
  set("exit", vgpu::exit_now);
  napi_set_named_property(env, exports, "sourceHash", vgpu::text(env, VGPU_SOURCE_HASH));
  return exports;
}
