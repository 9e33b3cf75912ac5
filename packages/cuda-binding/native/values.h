// Conversion between values of JavaScript and of C++.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "device_info.h"
#include "driver.h"
#include "kernel.h"

namespace vgpu {

// Arguments of a wrong type, or a value that JavaScript can't make: a TypeError.
struct InvalidCall {
  const char* what;
};

using Failure = std::variant<CudaFailure, DriverUnavailable, KernelMismatch>;

napi_value null(napi_env env);
napi_value int32(napi_env env, int32_t of);
napi_value number(napi_env env, double of);
napi_value string(napi_env env, const std::string& of);
napi_value object(napi_env env,
                  std::initializer_list<std::pair<const char*, napi_value>> properties);
napi_value to_value(napi_env env, const Failure& failure);
napi_value to_value(napi_env env, const DeviceInfo& info);
napi_value to_value(napi_env env, const std::vector<DeviceInfo>& devices);

// The functions below throw InvalidCall.

template <size_t N>
struct Arguments {
  napi_value values[N];

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = N;
    if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) != napi_ok || count != N) {
      throw InvalidCall{"wrong number of arguments"};
    }
  }
};

// The memory of an Int32Array that has at least `count` elements.
int32_t* to_int32s(napi_env env, napi_value array, size_t count);
size_t to_size(napi_env env, napi_value value);
int32_t to_int32(napi_env env, napi_value value);

}  // namespace vgpu
