// The CUDA driver API, opened at run time: installing and loading the addon needs neither a driver
// nor a toolkit. Types, constants and prototypes are those of the CUDA Driver API documentation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vgpu {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUstream = struct CUstream_st*;

struct CUuuid {
  unsigned char bytes[16];
};

constexpr unsigned CU_CTX_SCHED_BLOCKING_SYNC = 0x04;
constexpr unsigned CU_CTX_MAP_HOST = 0x08;
constexpr unsigned CU_STREAM_NON_BLOCKING = 0x01;
constexpr unsigned CU_MEMHOSTREGISTER_DEVICEMAP = 0x02;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X = 2;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y = 3;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z = 4;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X = 5;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y = 6;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z = 7;
constexpr int CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8;
constexpr int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
constexpr int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
constexpr CUresult CUDA_ERROR_INVALID_VALUE = 1;
constexpr CUresult CUDA_ERROR_OUT_OF_MEMORY = 2;
constexpr CUresult CUDA_ERROR_NOT_READY = 600;
constexpr CUresult CUDA_ERROR_UNKNOWN = 999;

// The functions in use: the documented name, the exported symbol (with the version to which cuda.h
// maps the name since CUDA 4.0), and the parameters.
#define VGPU_DRIVER_FUNCTIONS(F)                                                                    \
  F(cuInit, "cuInit", (unsigned flags))                                                             \
  F(cuGetErrorName, "cuGetErrorName", (CUresult status, const char** name))                         \
  F(cuGetErrorString, "cuGetErrorString", (CUresult status, const char** description))              \
  F(cuDeviceGetCount, "cuDeviceGetCount", (int* count))                                             \
  F(cuDeviceGet, "cuDeviceGet", (CUdevice * device, int ordinal))                                   \
  F(cuDeviceGetName, "cuDeviceGetName", (char* name, int size, CUdevice device))                    \
  F(cuDeviceGetUuid, "cuDeviceGetUuid_v2", (CUuuid * uuid, CUdevice device))                        \
  F(cuDeviceTotalMem, "cuDeviceTotalMem_v2", (size_t* bytes, CUdevice device))                      \
  F(cuDeviceGetAttribute, "cuDeviceGetAttribute", (int* value, int attribute, CUdevice device))     \
  F(cuDeviceGetPCIBusId, "cuDeviceGetPCIBusId", (char* id, int size, CUdevice device))              \
  F(cuCtxCreate, "cuCtxCreate_v2", (CUcontext * context, unsigned flags, CUdevice device))          \
  F(cuCtxDestroy, "cuCtxDestroy_v2", (CUcontext context))                                           \
  F(cuCtxPushCurrent, "cuCtxPushCurrent_v2", (CUcontext context))                                   \
  F(cuCtxPopCurrent, "cuCtxPopCurrent_v2", (CUcontext * context))                                   \
  F(cuCtxSetCurrent, "cuCtxSetCurrent", (CUcontext context))                                        \
  F(cuModuleLoadData, "cuModuleLoadData", (CUmodule * module, const void* image))                   \
  F(cuModuleUnload, "cuModuleUnload", (CUmodule module))                                            \
  F(cuModuleGetFunction, "cuModuleGetFunction",                                                     \
    (CUfunction * function, CUmodule module, const char* name))                                     \
  F(cuStreamCreate, "cuStreamCreate", (CUstream * stream, unsigned flags))                          \
  F(cuStreamQuery, "cuStreamQuery", (CUstream stream))                                              \
  F(cuStreamSynchronize, "cuStreamSynchronize", (CUstream stream))                                  \
  F(cuStreamDestroy, "cuStreamDestroy_v2", (CUstream stream))                                       \
  F(cuMemHostRegister, "cuMemHostRegister_v2", (void* memory, size_t bytes, unsigned flags))        \
  F(cuMemHostUnregister, "cuMemHostUnregister", (void* memory))                                     \
  F(cuMemHostGetDevicePointer, "cuMemHostGetDevicePointer_v2",                                      \
    (CUdeviceptr * address, void* memory, unsigned flags))                                          \
  F(cuMemAlloc, "cuMemAlloc_v2", (CUdeviceptr * address, size_t bytes))                             \
  F(cuMemFree, "cuMemFree_v2", (CUdeviceptr address))                                               \
  F(cuMemsetD8Async, "cuMemsetD8Async",                                                             \
    (CUdeviceptr address, unsigned char value, size_t bytes, CUstream stream))                      \
  F(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2",                                                      \
    (CUdeviceptr to, const void* from, size_t bytes, CUstream stream))                              \
  F(cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2",                                                      \
    (void* to, CUdeviceptr from, size_t bytes, CUstream stream))                                    \
  F(cuLaunchKernel, "cuLaunchKernel",                                                               \
    (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,      \
     unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream, void** parameters, \
     void** extra))

// Functions that an older driver lacks: null there.
#define VGPU_NEWER_DRIVER_FUNCTIONS(F)                                                              \
  /* CUDA 12.4 */                                                                                   \
  F(cuFuncGetParamInfo, "cuFuncGetParamInfo",                                                       \
    (CUfunction function, size_t index, size_t* offset, size_t* size))

struct Driver {
#define VGPU_DECLARE(name, symbol, parameters) CUresult(*name) parameters;
  VGPU_DRIVER_FUNCTIONS(VGPU_DECLARE)
  VGPU_NEWER_DRIVER_FUNCTIONS(VGPU_DECLARE)
#undef VGPU_DECLARE

  // The driver, opened at the first call that finds one. Throws DriverUnavailable.
  static const Driver& get();
};

// This machine has no driver, or one that lacks a function.
struct DriverUnavailable {
  std::string reason;
};

// A function of the driver failed.
struct CudaFailure {
  CUresult status;
  const char* operation;
};

// Counts the threads within the driver. When the process ends, libcuda tears itself down, and no
// thread may be in it: a thread that enters then stops for good.
class DriverScope {
 public:
  DriverScope();
  ~DriverScope();
  DriverScope(const DriverScope&) = delete;
  DriverScope& operator=(const DriverScope&) = delete;
};

template <typename... Parameters, typename... Arguments>
CUresult status_of(CUresult (*function)(Parameters...), Arguments... arguments) {
  DriverScope scope;
  return function(arguments...);
}

template <typename... Parameters, typename... Arguments>
void check(const char* operation, CUresult (*function)(Parameters...), Arguments... arguments) {
  const CUresult status = status_of(function, arguments...);
  if (status != 0) throw CudaFailure{status, operation};
}

// Calls a function of `driver`; throws CudaFailure with the function's name.
#define VGPU_CALL(driver, function, ...) \
  ::vgpu::check(#function, (driver).function, ##__VA_ARGS__)

}  // namespace vgpu
