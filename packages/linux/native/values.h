#pragma once
// Values of JavaScript as C++ has them. The addon is called with what the types in src/addon.ts say, so that
// nothing is checked a second time here.
#include <node_api.h>

#include <array>
#include <cstdint>
#include <string>

namespace vgpu {

inline napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value text(napi_env env, const char* value) {
  napi_value result;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

template <size_t count>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t given = count;
    napi_get_cb_info(env, info, &given, values_.data(), nullptr, nullptr);
  }

  napi_value operator[](size_t index) const { return values_[index]; }

  int32_t int32(size_t index) const {
    int32_t value = 0;
    napi_get_value_int32(env_, values_[index], &value);
    return value;
  }

  int64_t bigint(size_t index) const {
    int64_t value = 0;
    bool is_lossless;
    napi_get_value_bigint_int64(env_, values_[index], &value, &is_lossless);
    return value;
  }

  std::string text(size_t index) const { return string(index, napi_get_value_string_utf8); }

  // A byte for each character.
  std::string bytes(size_t index) const { return string(index, napi_get_value_string_latin1); }

  // The memory of a typed array.
  template <typename T>
  std::pair<T*, size_t> array(size_t index) const {
    void* data = nullptr;
    size_t length = 0;
    napi_get_typedarray_info(env_, values_[index], nullptr, &length, &data, nullptr, nullptr);
    return {static_cast<T*>(data), length};
  }

 private:
  template <typename Get>
  std::string string(size_t index, Get get) const {
    // Long enough for all but lines of many sums.
    char buffer[512];
    size_t length = 0;
    get(env_, values_[index], buffer, sizeof buffer, &length);
    if (length < sizeof buffer - 1) return std::string(buffer, length);
    get(env_, values_[index], nullptr, 0, &length);
    std::string whole(length, '\0');
    // Room for the terminator, which a std::string has behind its end.
    get(env_, values_[index], whole.data(), length + 1, &length);
    return whole;
  }

  napi_env env_;
  std::array<napi_value, count> values_{};
};

}  // namespace vgpu
