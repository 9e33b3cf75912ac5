// A program on the GPU layer alone (../support/gpu-layer.ts says which files that is), as another user
// of it than the vector addition: `gpu_layer <image> <what>`. Prints lines of JSON.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "../../native/completion.h"
#include "../../native/context.h"
#include "../../native/device_info.h"
#include "../../native/device_memory.h"
#include "../../native/kernel.h"
#include "../../native/launch_config.h"
#include "../../native/module.h"
#include "../../native/pinned_memory.h"
#include "../../native/stream.h"

using namespace vgpu;

namespace {

std::vector<char> image;

void print(const char* name, bool value) { printf("{\"%s\":%s}\n", name, value ? "true" : "false"); }

void print(const char* name, const std::string& value) {
  printf("{\"%s\":\"%s\"}\n", name, value.c_str());
}

std::shared_ptr<Context> open_context() {
  VGPU_CALL(Driver::get(), cuInit, 0U);
  return std::make_shared<Context>(0);
}

void print_parameters() {
  const Module module(open_context(), image.data());
  for (const char* name : {"scalar_add_kernel", "vector_add_kernel"}) {
    const auto parameters = Kernel(module, name).parameters();
    printf("{\"%s\":", name);
    if (!parameters) printf("null}\n");
    if (!parameters) continue;
    const char* separator = "";
    printf("[");
    for (const auto& [offset, size] : *parameters) {
      printf("%s[%zu,%zu]", separator, offset, size);
      separator = ",";
    }
    printf("]}\n");
  }
}

// What a kernel of these parameters says when it is taken for `vector_add_kernel`.
template <typename... Parameters>
void print_mismatch(const Module& module) {
  try {
    const TypedKernel<Parameters...> kernel(module, "vector_add_kernel");
    print("mismatch", std::string());
  } catch (const KernelMismatch& mismatch) {
    print("mismatch", mismatch.kernel + ": " + mismatch.difference);
  }
}

struct Bytes12 {
  uint32_t words[3];
};

void print_mismatches() {
  const Module module(open_context(), image.data());
  using Address = CUdeviceptr;
  print_mismatch<Address, Address, Address, size_t, Address, uint32_t, uint32_t>(module);
  print_mismatch<Address, Address, Address, size_t, Address, uint32_t>(module);
  print_mismatch<Address, Address, Address, size_t, Address, uint32_t, uint32_t, char>(module);
  print_mismatch<Address, Address, Address, uint32_t, Address, uint32_t, uint32_t>(module);
  print_mismatch<Address, Address, Address, Bytes12, uint32_t, uint32_t, uint32_t>(module);
  print_mismatch<>(module);
}

void print_excesses() {
  const auto context = open_context();
  const Module module(context, image.data());
  const Kernel kernel(module, "vector_add_kernel");
  const LaunchConfig configs[] = {
      {},
      {{2147483647, 65535, 65535}, {16, 1, 64}, 49152},
      {{1, 65536, 1}, {}, 0},
      {{1, 1, 65536}, {}, 0},
      {{2147483648, 1, 1}, {}, 0},
      {{0, 1, 1}, {}, 0},
      {{}, {1025, 1, 1}, 0},
      {{}, {1, 1, 65}, 0},
      {{}, {1, 0, 1}, 0},
      {{}, {32, 33, 1}, 0},
      {{}, {1024, 1024, 64}, 0},
      {{}, {}, 49153},
  };
  for (const LaunchConfig& config : configs) {
    try {
      kernel.expect_launchable(config);
      print("excess", std::string());
    } catch (const KernelMismatch& mismatch) {
      print("excess", mismatch.difference);
    }
  }
}

// Sums of four elements by `vector_add_kernel`, launched by pointers to values, as a manifest would.
struct Adder {
  std::shared_ptr<Context> context = open_context();
  Module module{context, image.data()};
  Kernel kernel{module, "vector_add_kernel"};
  PinnedMemory pinned{context, 4096};
  Stream stream{context};

  int32_t* host(size_t index) const { return reinterpret_cast<int32_t*>(pinned.data()) + index; }
  const uint64_t* word() const { return reinterpret_cast<uint64_t*>(pinned.data() + 1024); }

  void launch(CUdeviceptr a, CUdeviceptr b, CUdeviceptr out, uint32_t ticket) const {
    unsigned long long count = 4;
    CUdeviceptr completion = pinned.on_device(word());
    uint32_t stream_number = 0;
    void* values[] = {&a, &b, &out, &count, &completion, &ticket, &stream_number};
    kernel.launch({{1}, {32}}, stream, values);
  }
};

void print_steps() {
  const Adder adder;
  const DeviceMemory a(adder.context, 16);
  const DeviceMemory b(adder.context, 16);
  for (int i = 0; i < 4; i++) *adder.host(i) = 10 * i;
  a.copy_from(adder.pinned.data(), adder.stream);
  b.clear(adder.stream);
  adder.launch(a.address(), b.address(), b.address(), 1);
  adder.launch(a.address(), b.address(), b.address(), 2);
  b.copy_to(adder.host(4), adder.stream);
  const StreamCompletion end(adder.stream);
  wait_for(end, std::chrono::seconds(10));
  print("reached", end.is_reached());
  for (int i = 0; i < 4; i++) print("sum", std::to_string(*adder.host(4 + i)));
  print("bytes", std::to_string(a.bytes()));
}

void print_completions() {
  const Adder adder;
  const CUdeviceptr data = adder.pinned.on_device(adder.pinned.data());
  const auto wait = [&](uint32_t ticket, std::chrono::nanoseconds spinning) {
    adder.launch(data, data, data, ticket);
    const WordCompletion end(adder.word(), ticket, adder.stream, "the kernel");
    const StreamCompletion end_of_stream(adder.stream);
    print("reached at once", end.is_reached() || end_of_stream.is_reached());
    wait_for(end, spinning);
    print("reached", end.is_reached());
  };
  wait(1, std::chrono::seconds(10));
  wait(2, std::chrono::nanoseconds(0));
  adder.launch(data, data, data, 3);
  wait_for(WordCompletion(adder.word(), 4, adder.stream, "the kernel"), std::chrono::nanoseconds(0));
}

// Each can go before its context, and after, on any thread.
void print_releases() {
  const auto context = open_context();
  const auto use = [](const std::shared_ptr<Context>& context, const std::function<void()>& meanwhile) {
    const Module module(context, image.data());
    const DeviceMemory memory(context, 16);
    const PinnedMemory pinned(context, 4096);
    const Stream stream(context);
    meanwhile();
    pinned.data()[4095] = 1;
    print("readable", pinned.data()[4095] == 1);
  };
  use(context, [&] {
    CUcontext popped;
    VGPU_CALL(context->driver(), cuCtxPopCurrent, &popped);
  });
  context->use_on_this_thread();
  use(context, [&] { context->destroy(); });
  context->destroy();
  print("destroyed", context->is_destroyed());
}

}  // namespace

int main(int count, char** arguments) {
  const std::map<std::string, void (*)()> all = {
      {"parameters", print_parameters}, {"mismatches", print_mismatches},
      {"excesses", print_excesses},     {"steps", print_steps},
      {"completions", print_completions}, {"releases", print_releases},
  };
  const auto which = count == 3 ? all.find(arguments[2]) : all.end();
  if (which == all.end()) return 64;
  std::ifstream file(arguments[1], std::ios::binary);
  image.assign(std::istreambuf_iterator<char>(file), {});
  try {
    which->second();
  } catch (const CudaFailure& failure) {
    printf("{\"operation\":\"%s\",\"status\":%d}\n", failure.operation, failure.status);
  }
  return 0;
}
