#include "values.h"

namespace vgpu {

napi_value null(napi_env env) {
  napi_value value;
  napi_get_null(env, &value);
  return value;
}

napi_value int32(napi_env env, int32_t of) {
  napi_value value;
  napi_create_int32(env, of, &value);
  return value;
}

napi_value number(napi_env env, double of) {
  napi_value value;
  napi_create_double(env, of, &value);
  return value;
}

napi_value string(napi_env env, const std::string& of) {
  napi_value value;
  napi_create_string_utf8(env, of.data(), of.size(), &value);
  return value;
}

napi_value object(napi_env env,
                  std::initializer_list<std::pair<const char*, napi_value>> properties) {
  napi_value value;
  napi_create_object(env, &value);
  for (const auto& [name, property] : properties) {
    napi_set_named_property(env, value, name, property);
  }
  return value;
}

namespace {

napi_value describe(napi_env env, const CudaFailure& failure) {
  const Driver& driver = Driver::get();
  const char* name = nullptr;
  const char* description = nullptr;
  if (status_of(driver.cuGetErrorName, failure.status, &name) != 0 || name == nullptr) {
    name = "CUDA_ERROR_UNKNOWN";
  }
  if (status_of(driver.cuGetErrorString, failure.status, &description) != 0 ||
      description == nullptr) {
    description = "unknown to this driver";
  }
  return object(env, {{"operation", string(env, failure.operation)},
                      {"status", number(env, failure.status)},
                      {"name", string(env, name)},
                      {"description", string(env, description)}});
}

napi_value describe(napi_env env, const DriverUnavailable& failure) {
  return object(env, {{"reason", string(env, failure.reason)}});
}

napi_value describe(napi_env env, const KernelMismatch& failure) {
  return object(env, {{"kernel", string(env, failure.kernel)},
                      {"difference", string(env, failure.difference)}});
}

}  // namespace

napi_value to_value(napi_env env, const Failure& failure) {
  return std::visit([env](const auto& which) { return describe(env, which); }, failure);
}

napi_value to_value(napi_env env, const DeviceInfo& info) {
  const std::string capability =
      std::to_string(info.compute_major) + "." + std::to_string(info.compute_minor);
  return object(env, {{"backend", string(env, "cuda")},
                      {"index", number(env, info.index)},
                      {"name", string(env, info.name)},
                      {"uuid", string(env, info.uuid)},
                      {"memoryBytes", number(env, static_cast<double>(info.memory_bytes))},
                      {"computeCapability", string(env, capability)},
                      {"pciBusId", string(env, info.pci_bus_id)}});
}

napi_value to_value(napi_env env, const std::vector<DeviceInfo>& devices) {
  napi_value array;
  napi_create_array_with_length(env, devices.size(), &array);
  for (size_t i = 0; i < devices.size(); i++) {
    napi_set_element(env, array, static_cast<uint32_t>(i), to_value(env, devices[i]));
  }
  return array;
}

int32_t* to_int32s(napi_env env, napi_value array, size_t count) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_int32_array || length < count) {
    throw InvalidCall{"expected an Int32Array of that length"};
  }
  return static_cast<int32_t*>(data);
}

size_t to_size(napi_env env, napi_value value) {
  int64_t size = -1;
  if (napi_get_value_int64(env, value, &size) != napi_ok || size < 0) {
    throw InvalidCall{"expected a size"};
  }
  return static_cast<size_t>(size);
}

int32_t to_int32(napi_env env, napi_value value) {
  int32_t number = 0;
  if (napi_get_value_int32(env, value, &number) != napi_ok) throw InvalidCall{"expected an int32"};
  return number;
}

}  // namespace vgpu
