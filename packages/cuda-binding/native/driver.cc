#include "driver.h"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace vgpu {

namespace {

std::atomic<int> threads_within{0};
std::atomic<bool> is_exiting{false};
std::thread::id exiting_thread;

// How long the end of the process waits for threads that are within the driver. They return within
// milliseconds, unless the device hangs.
constexpr auto exit_patience = std::chrono::seconds(1);

void leave_driver_alone() {
  exiting_thread = std::this_thread::get_id();
  is_exiting = true;
  const auto deadline = std::chrono::steady_clock::now() + exit_patience;
  while (threads_within > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

Driver open_driver() {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw DriverUnavailable{dlerror()};
  Driver driver;
#define VGPU_FIND(name, symbol, parameters) \
  driver.name = reinterpret_cast<CUresult(*) parameters>(dlsym(library, symbol));
#define VGPU_REQUIRE(name, symbol, parameters)                                         \
  VGPU_FIND(name, symbol, parameters)                                                  \
  if (driver.name == nullptr) {                                                        \
    throw DriverUnavailable{"libcuda.so.1 has no function " symbol ": it is too old"}; \
  }
  VGPU_DRIVER_FUNCTIONS(VGPU_REQUIRE)
  VGPU_NEWER_DRIVER_FUNCTIONS(VGPU_FIND)
#undef VGPU_REQUIRE
#undef VGPU_FIND
  return driver;
}

}  // namespace

const Driver& Driver::get() {
  // Neither is ever destroyed: threads may be using them when the process ends.
  static std::mutex& mutex = *new std::mutex;
  static const Driver* driver = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (driver == nullptr) {
    driver = new Driver(open_driver());
    // The function registered last runs first, so the second registration follows those of libcuda
    // in cuInit(). The first one serves a process that ends during cuInit().
    std::atexit(leave_driver_alone);
    status_of(driver->cuInit, 0U);
    std::atexit(leave_driver_alone);
  }
  return *driver;
}

DriverScope::DriverScope() {
  threads_within++;
  if (!is_exiting || std::this_thread::get_id() == exiting_thread) return;
  threads_within--;
  for (;;) pause();
}

DriverScope::~DriverScope() { threads_within--; }

}  // namespace vgpu
