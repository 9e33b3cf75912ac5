// A stand-in for libcuda.so.1, for machines without a GPU: it has the functions that the addon uses,
// does on the CPU what the two kernels do, on a thread for each stream, and fails on request.
// It is stricter than the driver: memory that does not belong to the context, a stream or a function
// of another context, and any call after the process has begun to exit are all errors.
//
// VGPU_STUB_DEVICES   number of devices, default 2
// VGPU_STUB_KERNEL_US time that each kernel takes, microseconds, default 0
// VGPU_STUB_REGISTER_MS time that each registration of memory takes, milliseconds, default 0; nothing
//                     can be launched in that context meanwhile
// VGPU_STUB_FAULTS    what goes wrong, separated by commas:
//   cuLaunchKernel@3=719   the third call of a function fails with this status
//   cuLaunchKernel@3+=719  the third and all later ones
//   kernel@5=hang          the fifth kernel never ends, nor does what comes after it on its stream
//   kernel@5=fault:700     it breaks its device for this process: from then on every call in a context
//                          there fails with this status, and so does the creation of another one
//   kernel@5=silent        it ends without having done anything
//   kernel@5=hold          it goes on when VGPU_STUB_CONTROL is written to
//   cuInit@1=hang          a call that never returns
// VGPU_STUB_CONTROL   a file of 256 bytes: when its last byte changes, the text in it takes the place
//                     of VGPU_STUB_FAULTS, and the counts restart
// VGPU_STUB_PARAMETERS  other parameters of a kernel than its own, each as offset:size, such as
//                     `vector_add_kernel 0:8 8:4`
// VGPU_STUB_REPORT    a file: for each context that is destroyed, a line of JSON with the number of
//                     things in it, and the largest number of registrations at the same time
// VGPU_STUB_PROCESSORS  number of processors that the process sees, where this is in LD_PRELOAD
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../../kernels/kernel_interface.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using Status = int;

constexpr Status invalid_value = 1;
constexpr Status no_device = 100;
constexpr Status invalid_device = 101;
constexpr Status invalid_image = 200;
constexpr Status invalid_context = 201;
constexpr Status invalid_handle = 400;
constexpr Status not_found = 500;
constexpr Status not_ready = 600;
constexpr Status illegal_address = 700;
constexpr Status already_registered = 712;
constexpr Status not_registered = 713;

struct Fault {
  std::string where;
  int first;
  bool and_later;
  std::string what;
};

const char* setting(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value == nullptr ? otherwise : value;
}

[[noreturn]] void hang() {
  for (;;) pause();
}

class Faults {
 public:
  Faults() {
    parse(setting("VGPU_STUB_FAULTS", ""));
    const char* file = setting("VGPU_STUB_CONTROL", nullptr);
    if (file == nullptr) return;
    void* mapped = mmap(nullptr, control_size, PROT_READ, MAP_SHARED, open(file, O_RDONLY), 0);
    if (mapped == MAP_FAILED) abort();
    control_ = static_cast<const char*>(mapped);
    generation_ = generation();
  }

  // Counts a call; returns what goes wrong this time, or "". `version` gets that of the text.
  std::string next(const std::string& where, char* version = nullptr) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (generation_ != generation()) {
      generation_ = generation();
      faults_.clear();
      counts_.clear();
      parse(control_);
    }
    if (version != nullptr) *version = generation_;
    const int number = ++counts_[where];
    for (const Fault& fault : faults_) {
      if (fault.where != where) continue;
      if (number == fault.first || (fault.and_later && number > fault.first)) return fault.what;
    }
    return "";
  }

  // Waits until the control file has a text of another version.
  void hold(char version) const {
    while (generation() == version) usleep(200);
  }

 private:
  static constexpr size_t control_size = 256;

  char generation() const {
    return control_ == nullptr ? 0 : __atomic_load_n(control_ + control_size - 1, __ATOMIC_ACQUIRE);
  }

  void parse(std::string text) {
    for (char* rest = text.data(); *rest != 0;) {
      char* end = strchrnul(rest, ',');
      const std::string item(rest, end);
      char where[64];
      char what[64];
      int first;
      if (sscanf(item.c_str(), "%63[^@]@%d+=%63s", where, &first, what) == 3) {
        faults_.push_back({where, first, true, what});
      } else if (sscanf(item.c_str(), "%63[^@]@%d=%63s", where, &first, what) == 3) {
        faults_.push_back({where, first, false, what});
      } else {
        fprintf(stderr, "stub: VGPU_STUB_FAULTS: cannot read %s\n", item.c_str());
        abort();
      }
      rest = *end == 0 ? end : end + 1;
    }
  }

  std::mutex mutex_;
  std::vector<Fault> faults_;
  std::map<std::string, int> counts_;
  const char* control_ = nullptr;
  char generation_ = 0;
};

Faults& faults() {
  static Faults& all = *new Faults;
  return all;
}

std::atomic<bool> is_exiting{false};

// The beginning of every function.
Status enter(const char* function) {
  if (is_exiting) {
    fprintf(stderr, "stub: %s called while the process exits\n", function);
    _exit(99);
  }
  const std::string fault = faults().next(function);
  if (fault == "hang") hang();
  return atoi(fault.c_str());
}

#define ENTER()                                         \
  if (const Status status = enter(__func__)) return status

struct Stream;

struct Range {
  const char* start;
  size_t bytes;
};

// The status that broke each device. After a fault in a kernel the driver (seen with 580) does not let
// the process use the device any more, not even with a new context.
constexpr int most_devices = 256;
std::atomic<Status> broken_devices[most_devices];

struct Context {
  std::mutex mutex;
  std::mutex registering;
  std::atomic<Status>& broken;
  std::map<char*, size_t> registered;
  size_t most_registered = 0;
  std::map<char*, size_t> allocated;
  std::set<Stream*> streams;
  size_t modules = 0;
  // Memory that kernels in flight read and write.
  std::list<Range> in_use;
  std::condition_variable has_finished;

  explicit Context(int device) : broken(broken_devices[device]) {}

  std::list<Range>::iterator use(const void* start, size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    return in_use.insert(in_use.end(), {static_cast<const char*>(start), bytes});
  }

  void finish(const std::vector<std::list<Range>::iterator>& uses) {
    const std::lock_guard<std::mutex> lock(mutex);
    for (const auto& which : uses) in_use.erase(which);
    has_finished.notify_all();
  }

  bool has(const void* start, size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    return is_within(registered, start, bytes) || is_within(allocated, start, bytes);
  }

  static bool is_within(const std::map<char*, size_t>& memory, const void* start, size_t bytes) {
    const char* address = static_cast<const char*>(start);
    auto next = memory.upper_bound(const_cast<char*>(address));
    if (next == memory.begin()) return false;
    --next;
    return address + bytes <= next->first + next->second;
  }
};

// Does its tasks one after the other, on a thread of its own.
struct Stream {
  Context* context;
  std::mutex mutex;
  std::condition_variable has_changed;
  std::deque<std::function<void()>> tasks;
  bool is_busy = false;
  bool is_closed = false;
  std::thread thread;

  explicit Stream(Context* owner) : context(owner), thread([this] { run(); }) {}

  void post(std::function<void()> task) {
    const std::lock_guard<std::mutex> lock(mutex);
    tasks.push_back(std::move(task));
    has_changed.notify_all();
  }

  void wait() {
    std::unique_lock<std::mutex> lock(mutex);
    has_changed.wait(lock, [this] { return tasks.empty() && !is_busy; });
  }

  bool is_idle() {
    const std::lock_guard<std::mutex> lock(mutex);
    return tasks.empty() && !is_busy;
  }

  void close() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      is_closed = true;
      has_changed.notify_all();
    }
    thread.join();
  }

  void run() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      has_changed.wait(lock, [this] { return is_closed || !tasks.empty(); });
      if (tasks.empty()) return;
      const auto task = std::move(tasks.front());
      tasks.pop_front();
      is_busy = true;
      lock.unlock();
      task();
      lock.lock();
      is_busy = false;
      has_changed.notify_all();
    }
  }
};

struct Parameter {
  size_t offset;
  size_t size;
};

struct Function {
  Context* context;
  bool adds_scalars;
  std::vector<Parameter> parameters;
};

// Those of kernels/vector_add.cu, unless a test wants others.
std::vector<Parameter> parameters_of(const std::string& kernel) {
  const std::string text = setting("VGPU_STUB_PARAMETERS", "");
  if (text.rfind(kernel + " ", 0) != 0) {
    if (kernel == "scalar_add_kernel") return {{0, 520}, {520, 8}};
    return {{0, 8}, {8, 8}, {16, 8}, {24, 8}, {32, 8}, {40, 4}, {44, 4}};
  }
  std::vector<Parameter> parameters;
  for (const char* rest = strchr(text.c_str(), ' '); rest != nullptr; rest = strchr(rest + 1, ' ')) {
    Parameter parameter;
    if (sscanf(rest, " %zu:%zu", &parameter.offset, &parameter.size) != 2) abort();
    parameters.push_back(parameter);
  }
  return parameters;
}

std::mutex contexts_mutex;
std::set<Context*>& contexts() {
  static auto& all = *new std::set<Context*>;
  return all;
}

thread_local std::vector<Context*> stack;

Context* current() { return stack.empty() ? nullptr : stack.back(); }

// Kernels write with the order that the device gives: all of the results, then the word.
void complete(vgpu_completion* word, uint32_t ticket, uint32_t value) {
  __atomic_store_n(word, uint64_t{ticket} << 32 | value, __ATOMIC_RELEASE);
}

void run_kernel(Context* context, const std::function<Status()>& kernel) {
  char version = 0;
  const std::string fault = faults().next("kernel", &version);
  const int time_us = atoi(setting("VGPU_STUB_KERNEL_US", "0"));
  if (time_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(time_us));
  if (fault == "hang") hang();
  if (fault == "hold") faults().hold(version);
  if (context->broken != 0 || fault == "silent") return;
  const bool breaks = fault.rfind("fault:", 0) == 0;
  const Status status = breaks ? atoi(fault.c_str() + strlen("fault:")) : kernel();
  if (status != 0) context->broken = status;
}

Status add_scalars(Context* context, const vgpu_batch& batch, vgpu_completion* ring) {
  if (!context->has(ring, VGPU_RING_CAPACITY * sizeof *ring)) return illegal_address;
  for (uint32_t i = 0; i < batch.count; i++) {
    const uint32_t ticket = batch.first_ticket + i;
    complete(&ring[ticket % VGPU_RING_CAPACITY], ticket,
             static_cast<uint32_t>(batch.a[i]) + static_cast<uint32_t>(batch.b[i]));
  }
  return 0;
}

struct VectorAdd {
  const int32_t* a;
  const int32_t* b;
  int32_t* out;
  unsigned long long n;
  vgpu_completion* completion;
  uint32_t ticket;
};

Status add_vectors(Context* context, const VectorAdd& add) {
  const size_t bytes = add.n * sizeof(int32_t);
  if (!context->has(add.a, bytes) || !context->has(add.b, bytes) || !context->has(add.out, bytes) ||
      !context->has(add.completion, sizeof *add.completion)) {
    return illegal_address;
  }
  for (size_t i = 0; i < add.n; i++) {
    add.out[i] = static_cast<int32_t>(static_cast<uint32_t>(add.a[i]) + static_cast<uint32_t>(add.b[i]));
  }
  complete(add.completion, add.ticket, 1000);
  return 0;
}

template <typename T>
T parameter(void** parameters, int index) {
  T value;
  memcpy(&value, parameters[index], sizeof value);
  return value;
}

}  // namespace

EXPORT Status cuInit(unsigned) {
  static const bool registered = [] { return atexit([] { is_exiting = true; }) == 0; }();
  (void)registered;
  ENTER();
  return atoi(setting("VGPU_STUB_DEVICES", "2")) > 0 ? 0 : no_device;
}

EXPORT Status cuGetErrorName(Status status, const char** name) {
  switch (status) {
    case 1: *name = "CUDA_ERROR_INVALID_VALUE"; break;
    case 2: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
    case 4: *name = "CUDA_ERROR_DEINITIALIZED"; break;
    case 100: *name = "CUDA_ERROR_NO_DEVICE"; break;
    case 101: *name = "CUDA_ERROR_INVALID_DEVICE"; break;
    case 201: *name = "CUDA_ERROR_INVALID_CONTEXT"; break;
    case 209: *name = "CUDA_ERROR_NO_BINARY_FOR_GPU"; break;
    case 214: *name = "CUDA_ERROR_ECC_UNCORRECTABLE"; break;
    case 400: *name = "CUDA_ERROR_INVALID_HANDLE"; break;
    case 500: *name = "CUDA_ERROR_NOT_FOUND"; break;
    case 700: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; break;
    case 701: *name = "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"; break;
    case 719: *name = "CUDA_ERROR_LAUNCH_FAILED"; break;
    case 999: *name = "CUDA_ERROR_UNKNOWN"; break;
    default: *name = nullptr; return invalid_value;
  }
  return 0;
}

EXPORT Status cuGetErrorString(Status status, const char** description) {
  static thread_local char text[32];
  snprintf(text, sizeof text, "description of %d", status);
  *description = text;
  return 0;
}

EXPORT Status cuDeviceGetCount(int* count) {
  ENTER();
  *count = atoi(setting("VGPU_STUB_DEVICES", "2"));
  return 0;
}

EXPORT Status cuDeviceGet(int* device, int ordinal) {
  ENTER();
  *device = ordinal;
  return ordinal < atoi(setting("VGPU_STUB_DEVICES", "2")) ? 0 : invalid_device;
}

EXPORT Status cuDeviceGetName(char* name, int size, int device) {
  ENTER();
  snprintf(name, static_cast<size_t>(size), "Stub GPU %d", device);
  return 0;
}

EXPORT Status cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  ENTER();
  for (int i = 0; i < 16; i++) uuid[i] = static_cast<unsigned char>(16 * i + device);
  return 0;
}

EXPORT Status cuDeviceTotalMem_v2(size_t* bytes, int) {
  ENTER();
  *bytes = size_t{141} << 30;
  return 0;
}

EXPORT Status cuDeviceGetAttribute(int* value, int attribute, int) {
  ENTER();
  // Those of an H200, as far as the addon asks for them.
  static const std::map<int, int> values{
      {1, 1024},  {2, 1024},  {3, 1024},  {4, 64}, {5, 2147483647},
      {6, 65535}, {7, 65535}, {8, 49152}, {75, 9}, {76, 0}};
  const auto found = values.find(attribute);
  if (found == values.end()) return invalid_value;
  *value = found->second;
  return 0;
}

EXPORT Status cuDeviceGetPCIBusId(char* id, int size, int device) {
  ENTER();
  snprintf(id, static_cast<size_t>(size), "0000:%02X:00.0", 0x3b + device);
  return 0;
}

EXPORT Status cuCtxCreate_v2(Context** context, unsigned, int device) {
  ENTER();
  if (device < 0 || device >= most_devices) return invalid_device;
  if (const Status broken = broken_devices[device]) return broken;
  *context = new Context(device);
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  contexts().insert(*context);
  stack.push_back(*context);
  return 0;
}

EXPORT Status cuCtxDestroy_v2(Context* context) {
  ENTER();
  {
    const std::lock_guard<std::mutex> lock(contexts_mutex);
    if (contexts().erase(context) == 0) return invalid_context;
  }
  const char* report = setting("VGPU_STUB_REPORT", nullptr);
  if (report != nullptr) {
    FILE* file = fopen(report, "a");
    fprintf(file,
            "{\"streams\":%zu,\"registrations\":%zu,\"mostRegistrations\":%zu,"
            "\"allocations\":%zu,\"modules\":%zu,\"broken\":%d}\n",
            context->streams.size(), context->registered.size(), context->most_registered,
            context->allocated.size(), context->modules, context->broken.load());
    fclose(file);
  }
  for (Stream* stream : context->streams) {
    stream->close();
    delete stream;
  }
  while (current() == context) stack.pop_back();
  const Status broken = context->broken;
  delete context;
  return broken;
}

EXPORT Status cuCtxPushCurrent_v2(Context* context) {
  ENTER();
  stack.push_back(context);
  return 0;
}

EXPORT Status cuCtxPopCurrent_v2(Context** context) {
  ENTER();
  if (stack.empty()) return invalid_context;
  *context = stack.back();
  stack.pop_back();
  return 0;
}

EXPORT Status cuCtxSetCurrent(Context* context) {
  ENTER();
  if (!stack.empty()) stack.pop_back();
  stack.push_back(context);
  return 0;
}

// The beginning of a function that needs a context.
#define ENTER_CONTEXT()                                     \
  ENTER();                                                  \
  Context* const context = current();                       \
  if (context == nullptr) return invalid_context;           \
  if (context->broken != 0) return context->broken.load()

EXPORT Status cuModuleLoadData(Context** module, const void* image) {
  ENTER_CONTEXT();
  // The first four bytes of a fat binary.
  constexpr uint32_t magic = 0xba55ed50;
  if (memcmp(image, &magic, sizeof magic) != 0) return invalid_image;
  *module = context;
  context->modules++;
  return 0;
}

EXPORT Status cuModuleUnload(Context* module) {
  ENTER_CONTEXT();
  if (module != context || context->modules == 0) return invalid_handle;
  context->modules--;
  return 0;
}

EXPORT Status cuModuleGetFunction(Function** function, Context* module, const char* name) {
  ENTER_CONTEXT();
  const bool adds_scalars = strcmp(name, "scalar_add_kernel") == 0;
  if (!adds_scalars && strcmp(name, "vector_add_kernel") != 0) return not_found;
  // Two for each context of a test: not worth freeing.
  *function = new Function{module, adds_scalars, parameters_of(name)};
  return 0;
}

EXPORT Status cuFuncGetParamInfo(Function* function, size_t index, size_t* offset, size_t* size) {
  ENTER_CONTEXT();
  if (function->context != context) return invalid_handle;
  if (index >= function->parameters.size()) return invalid_value;
  *offset = function->parameters[index].offset;
  *size = function->parameters[index].size;
  return 0;
}

EXPORT Status cuStreamCreate(Stream** stream, unsigned) {
  ENTER_CONTEXT();
  *stream = new Stream(context);
  const std::lock_guard<std::mutex> lock(context->mutex);
  context->streams.insert(*stream);
  return 0;
}

EXPORT Status cuStreamQuery(Stream* stream) {
  ENTER_CONTEXT();
  if (stream->context != context) return invalid_handle;
  return stream->is_idle() ? context->broken.load() : not_ready;
}

EXPORT Status cuStreamSynchronize(Stream* stream) {
  ENTER_CONTEXT();
  if (stream->context != context) return invalid_handle;
  stream->wait();
  return context->broken;
}

EXPORT Status cuStreamDestroy_v2(Stream* stream) {
  ENTER_CONTEXT();
  if (stream->context != context) return invalid_handle;
  {
    const std::lock_guard<std::mutex> lock(context->mutex);
    context->streams.erase(stream);
  }
  stream->close();
  delete stream;
  return 0;
}

EXPORT Status cuMemHostRegister_v2(char* memory, size_t bytes, unsigned) {
  ENTER_CONTEXT();
  const std::lock_guard<std::mutex> registering(context->registering);
  const int time_ms = atoi(setting("VGPU_STUB_REGISTER_MS", "0"));
  if (time_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(time_ms));
  const std::lock_guard<std::mutex> lock(context->mutex);
  const bool is_new = context->registered.emplace(memory, bytes).second;
  context->most_registered = std::max(context->most_registered, context->registered.size());
  return is_new ? 0 : already_registered;
}

EXPORT Status cuMemHostUnregister(char* memory) {
  ENTER_CONTEXT();
  std::unique_lock<std::mutex> lock(context->mutex);
  const auto found = context->registered.find(memory);
  if (found == context->registered.end()) return not_registered;
  // Waits for the kernels that use it.
  context->has_finished.wait(lock, [&] {
    return std::none_of(context->in_use.begin(), context->in_use.end(), [&](const Range& range) {
      return range.start >= memory && range.start < memory + found->second;
    });
  });
  context->registered.erase(found);
  return 0;
}

EXPORT Status cuMemHostGetDevicePointer_v2(unsigned long long* address, char* memory, unsigned) {
  ENTER_CONTEXT();
  const std::lock_guard<std::mutex> lock(context->mutex);
  if (context->registered.count(memory) == 0) return not_registered;
  *address = reinterpret_cast<unsigned long long>(memory);
  return 0;
}

EXPORT Status cuMemAlloc_v2(char** address, size_t bytes) {
  ENTER_CONTEXT();
  if (bytes == 0) return invalid_value;
  *address = new char[bytes];
  memset(*address, 0xa5, bytes);
  const std::lock_guard<std::mutex> lock(context->mutex);
  context->allocated.emplace(*address, bytes);
  return 0;
}

EXPORT Status cuMemFree_v2(char* address) {
  ENTER_CONTEXT();
  const std::lock_guard<std::mutex> lock(context->mutex);
  if (context->allocated.erase(address) == 0) return invalid_value;
  delete[] address;
  return 0;
}

EXPORT Status cuMemsetD8Async(char* address, unsigned char value, size_t bytes, Stream* stream) {
  ENTER_CONTEXT();
  if (stream->context != context) return invalid_handle;
  if (!context->has(address, bytes)) return invalid_value;
  stream->post([=] { memset(address, value, bytes); });
  return 0;
}

EXPORT Status cuMemcpyHtoDAsync_v2(char* to, const void* from, size_t bytes, Stream* stream) {
  ENTER_CONTEXT();
  if (stream->context != context) return invalid_handle;
  if (!context->has(to, bytes)) return invalid_value;
  stream->post([=] { memcpy(to, from, bytes); });
  return 0;
}

EXPORT Status cuMemcpyDtoHAsync_v2(void* to, const char* from, size_t bytes, Stream* stream) {
  ENTER_CONTEXT();
  if (stream->context != context) return invalid_handle;
  if (!context->has(from, bytes)) return invalid_value;
  stream->post([=] { memcpy(to, from, bytes); });
  return 0;
}

EXPORT Status cuLaunchKernel(Function* function, unsigned, unsigned, unsigned, unsigned, unsigned,
                             unsigned, unsigned, Stream* stream, void** parameters, void**) {
  ENTER_CONTEXT();
  const std::lock_guard<std::mutex> registering(context->registering);
  if (function->context != context || stream->context != context) return invalid_handle;
  if (function->adds_scalars) {
    const auto batch = parameter<vgpu_batch>(parameters, 0);
    const auto ring = parameter<vgpu_completion*>(parameters, 1);
    const std::vector uses{context->use(ring, VGPU_RING_CAPACITY * sizeof *ring)};
    stream->post([=] {
      run_kernel(context, [=] { return add_scalars(context, batch, ring); });
      context->finish(uses);
    });
  } else {
    const VectorAdd add{parameter<const int32_t*>(parameters, 0),
                        parameter<const int32_t*>(parameters, 1),
                        parameter<int32_t*>(parameters, 2),
                        parameter<unsigned long long>(parameters, 3),
                        parameter<vgpu_completion*>(parameters, 4),
                        parameter<uint32_t>(parameters, 5)};
    const size_t bytes = add.n * sizeof(int32_t);
    const std::vector uses{context->use(add.a, bytes), context->use(add.b, bytes),
                           context->use(add.out, bytes),
                           context->use(add.completion, sizeof *add.completion)};
    stream->post([=] {
      run_kernel(context, [=] { return add_vectors(context, add); });
      context->finish(uses);
    });
  }
  return 0;
}

// As std::thread::hardware_concurrency() asks.
EXPORT int get_nprocs() {
  const char* number = setting("VGPU_STUB_PROCESSORS", nullptr);
  if (number != nullptr) return atoi(number);
  return reinterpret_cast<int (*)()>(dlsym(RTLD_NEXT, "get_nprocs"))();
}
