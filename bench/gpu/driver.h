/* The CUDA driver without its header and without a toolkit: what floor.c needs of it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long Address;
typedef void *Handle;

/* The functions of the driver that are used, under the names that libcuda.so.1 exports. */
#define DRIVER(X)                                                                            \
  X(cuInit, (unsigned))                                                                      \
  X(cuDriverGetVersion, (int *))                                                             \
  X(cuDeviceGet, (int *, int))                                                               \
  X(cuDeviceGetName, (char *, int, int))                                                     \
  X(cuCtxCreate_v2, (Handle *, unsigned, int))                                               \
  X(cuModuleLoadData, (Handle *, const void *))                                              \
  X(cuModuleGetFunction, (Handle *, Handle, const char *))                                   \
  X(cuStreamCreate, (Handle *, unsigned))                                                    \
  X(cuStreamSynchronize, (Handle))                                                           \
  X(cuMemAlloc_v2, (Address *, size_t))                                                      \
  X(cuMemHostAlloc, (void **, size_t, unsigned))                                             \
  X(cuMemHostGetDevicePointer_v2, (Address *, void *, unsigned))                             \
  X(cuMemcpyHtoD_v2, (Address, const void *, size_t))                                        \
  X(cuMemcpyDtoH_v2, (void *, Address, size_t))                                              \
  X(cuMemcpyHtoDAsync_v2, (Address, const void *, size_t, Handle))                           \
  X(cuMemcpyDtoHAsync_v2, (void *, Address, size_t, Handle))                                 \
  X(cuLaunchKernel, (Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,     \
                     unsigned, Handle, void **, void **))                                    \
  X(cuGetErrorName, (int, const char **))

#define DECLARE(name, parameters) static int(*name) parameters;
DRIVER(DECLARE)

/* sm_75 is the oldest GPU that CUDA 13 knows, and PTX 6.3 the oldest that knows sm_75. */
static const char kernels[] =
    ".version 6.3\n.target sm_75\n.address_size 64\n"
    /* add(const int *a, const int *b, int *sum): *sum = *a + *b */
    ".visible .entry add(.param .u64 a, .param .u64 b, .param .u64 sum) {\n"
    "  .reg .b32 %x, %y;\n  .reg .b64 %a, %b, %s;\n"
    "  ld.param.u64 %a, [a];\n  ld.param.u64 %b, [b];\n  ld.param.u64 %s, [sum];\n"
    "  cvta.to.global.u64 %a, %a;\n  cvta.to.global.u64 %b, %b;\n  cvta.to.global.u64 %s, %s;\n"
    "  ld.global.u32 %x, [%a];\n  ld.global.u32 %y, [%b];\n"
    "  add.s32 %x, %x, %y;\n  st.global.u32 [%s], %x;\n  ret;\n}\n"
    /* flag(int a, int b, unsigned number, uint64_t *slot): one store, so it needs no fence */
    ".visible .entry flag(.param .u32 a, .param .u32 b, .param .u32 number, .param .u64 slot) {\n"
    "  .reg .b32 %x, %y, %n;\n  .reg .b64 %s, %v;\n"
    "  ld.param.u32 %x, [a];\n  ld.param.u32 %y, [b];\n  ld.param.u32 %n, [number];\n"
    "  ld.param.u64 %s, [slot];\n  cvta.to.global.u64 %s, %s;\n"
    "  add.s32 %x, %x, %y;\n  mov.b64 %v, {%x, %n};\n"
    "  st.volatile.global.u64 [%s], %v;\n  ret;\n}\n";

static Handle add_kernel, flag_kernel, stream, back_stream;

static void fail(const char *what) {
  fprintf(stderr, "floor: %s\n", what);
  exit(1);
}

static void check(int status, const char *call) {
  if (status == 0) return;
  const char *name = NULL;
  cuGetErrorName(status, &name);
  fprintf(stderr, "floor: %s failed with %s (%d)\n", call, name ? name : "an unknown error", status);
  exit(1);
}
#define CHECK(name, ...) check(name(__VA_ARGS__), #name)

static Address device_memory(size_t bytes) {
  Address memory;
  CHECK(cuMemAlloc_v2, &memory, bytes);
  return memory;
}

static void *pinned_memory(size_t bytes, Address *mapped) {
  void *memory;
  CHECK(cuMemHostAlloc, &memory, bytes, 2 /* CU_MEMHOSTALLOC_DEVICEMAP */);
  memset(memory, 0, bytes);
  CHECK(cuMemHostGetDevicePointer_v2, mapped, memory, 0);
  return memory;
}

static void launch(Handle kernel, void **arguments, Handle on) {
  CHECK(cuLaunchKernel, kernel, 1, 1, 1, 1, 1, 1, 0, on, arguments, NULL);
}

static void open_device(int index) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  if (!library) fail(dlerror());
#define RESOLVE(name, parameters)                                        \
  {                                                                      \
    void *address = dlsym(library, #name);                               \
    if (!address) fail("libcuda.so.1 has no " #name);                    \
    memcpy(&name, &address, sizeof address);                             \
  }
  DRIVER(RESOLVE)
  int device, version;
  char label[256];
  Handle context, module;
  CHECK(cuInit, 0);
  CHECK(cuDriverGetVersion, &version);
  CHECK(cuDeviceGet, &device, index);
  CHECK(cuDeviceGetName, label, sizeof label, device);
  CHECK(cuCtxCreate_v2, &context, 0, device);
  CHECK(cuModuleLoadData, &module, kernels);
  CHECK(cuModuleGetFunction, &add_kernel, module, "add");
  CHECK(cuModuleGetFunction, &flag_kernel, module, "flag");
  CHECK(cuStreamCreate, &stream, 1 /* CU_STREAM_NON_BLOCKING */);
  CHECK(cuStreamCreate, &back_stream, 1);
  printf("ready %d %s\n", version, label);
}
