// What TypeScript sees: readWords(path, count), the registers or why they can't be read, lock(descriptor),
// watch and unwatch, and sourceHash. src/native.ts has the types. It may be loaded by many threads.
#include <node_api.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "inotify.h"
#include "registers.h"
#include "values.h"

namespace vgpu {
namespace {

napi_value invalid_call(napi_env env, const char* what) {
  napi_throw_type_error(env, nullptr, what);
  return nullptr;
}

void set(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

void set(napi_env env, napi_value object, const char* name, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, object, name, value);
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
    set(env, object, "operation", failure.operation);
    set(env, object, "errno", failure.error);
    return object;
  }

  napi_value operator()(const TooShort& file) const {
    napi_value object;
    napi_create_object(env, &object);
    set(env, object, "size", static_cast<double>(file.size));
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

napi_value read(napi_env env, napi_callback_info info) {
  size_t given = 2;
  napi_value arguments[2];
  std::string path;
  uint32_t count = 0;
  napi_get_cb_info(env, info, &given, arguments, nullptr, nullptr);
  if (given < 2 || !to_path(env, arguments[0], path)) {
    return invalid_call(env, "expected a path without a null character, and a count");
  }
  if (napi_get_value_uint32(env, arguments[1], &count) != napi_ok || count == 0 ||
      count > kMostWords) {
    return invalid_call(env, "expected a count from 1 to 1024");
  }
  return std::visit(ToValue{env}, read_words(path.c_str(), count));
}

// lock(descriptor)
napi_value lock(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return number(env, flock(arguments.int32(0), LOCK_EX | LOCK_NB) < 0 ? -errno : 0);
}

}  // namespace
}  // namespace vgpu

NAPI_MODULE_INIT() {
  const auto set = [=](const char* name, napi_callback callback) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  };
  set("readWords", vgpu::read);
  set("lock", vgpu::lock);
  set("watch", vgpu::watch);
  set("unwatch", vgpu::unwatch);
  vgpu::set(env, exports, "sourceHash", VGPU_SOURCE_HASH);
  return exports;
}
