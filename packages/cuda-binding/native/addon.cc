// The functions for JavaScript. Arguments are validated there (src/); here only where a wrong one would
// corrupt memory.
//
// No function throws for a failing device: it returns the failure as an object, for which JavaScript
// makes an error. Functions that wait for the device take a callback, which receives the failure, or
// null and the result.

#include <node_api.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "device_info.h"
#include "mailbox.h"
#include "pipeline.h"
#include "reply.h"
#include "task_thread.h"
#include "values.h"
#include "vector_adder.h"

namespace vgpu {
namespace {

// How long the end of an environment waits for a device to close. A healthy one takes a tenth of that;
// a device that hangs is left to the end of the process.
constexpr auto teardown_patience = std::chrono::seconds(2);

// A device and the thread that waits for it.
struct OpenDevice {
  std::shared_ptr<TaskThread> thread;
  // When the last reference goes, on any thread, `thread` closes the device.
  std::shared_ptr<VectorAdder> adder;
};

// The state of one environment: that of the main thread, or of a worker.
struct Addon {
  std::shared_ptr<Mailbox> mailbox;
  std::list<std::weak_ptr<OpenDevice>> devices;
};

Addon& addon_of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Addon*>(data);
}

Reply reply_to(napi_env env, napi_value callback) {
  return Reply(env, addon_of(env).mailbox, callback);
}

// --- handles --------------------------------------------------------------------------------------

constexpr napi_type_tag handle_tag = {0x5b1d6c1f0a7e4d52, 0x9f3a8be27c40d611};

napi_value handle_of(napi_env env, const std::shared_ptr<OpenDevice>& open) {
  napi_value handle;
  napi_create_object(env, &handle);
  auto* holder = new std::shared_ptr<OpenDevice>(open);
  const auto finalize = [](napi_env, void* data, void*) {
    delete static_cast<std::shared_ptr<OpenDevice>*>(data);
  };
  if (napi_type_tag_object(env, handle, &handle_tag) != napi_ok ||
      napi_wrap(env, handle, holder, finalize, nullptr, nullptr) != napi_ok) {
    delete holder;
    throw InvalidCall{"this environment makes no objects any more"};
  }
  return handle;
}

std::shared_ptr<OpenDevice>& device_of(napi_env env, napi_value handle) {
  bool is_ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, handle, &handle_tag, &is_ours) != napi_ok || !is_ours ||
      napi_unwrap(env, handle, &data) != napi_ok) {
    throw InvalidCall{"expected the handle of a device"};
  }
  return *static_cast<std::shared_ptr<OpenDevice>*>(data);
}

// --- buffers --------------------------------------------------------------------------------------

// An ArrayBuffer over memory that is not V8's. When the buffer has been collected, `owner.release()` is
// called and the owner deleted.
template <typename Owner>
napi_value array_buffer(napi_env env, void* start, size_t bytes, Owner owner) {
  auto* kept = new Owner(std::move(owner));
  const auto finalize = [](napi_env, void*, void* hint) {
    const std::unique_ptr<Owner> owner(static_cast<Owner*>(hint));
    owner->release();
  };
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, start, bytes, finalize, kept, &buffer) != napi_ok) {
    finalize(env, start, kept);
    throw InvalidCall{"this runtime allows no external array buffers"};
  }
  return buffer;
}

struct PinnedOwner {
  std::shared_ptr<OpenDevice> open;
  std::shared_ptr<PinnedMemory> memory;

  void release() {
    // Unregistering waits for the device, so not here.
    open->thread->post([adder = open->adder, memory = memory] {
      if (adder->control() != memory) adder->release(*memory);
    });
  }
};

struct ResultOwner {
  std::shared_ptr<OpenDevice> open;
  std::unique_ptr<Mapping> memory;

  void release() { open->adder->result_memory().give_back(std::move(memory)); }
};

// --- the functions --------------------------------------------------------------------------------

napi_value list_devices(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  TaskThread thread;
  run_blocking(thread, reply_to(env, arguments.values[0]), [](const Reply& reply) {
    reply.send([devices = ::vgpu::list_devices()](napi_env env) { return to_value(env, devices); });
  });
  return nullptr;
}

// open(index, image, callback): the result is { handle, device, completions, batch }.
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const int index = to_int32(env, arguments.values[0]);
  void* bytes = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, arguments.values[1], &type, &length, &bytes, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array) {
    throw InvalidCall{"expected the image as a Uint8Array"};
  }
  const auto* text = static_cast<const char*>(bytes);
  const auto thread = std::make_shared<TaskThread>();
  const Reply reply = reply_to(env, arguments.values[2]);
  run_blocking(
      *thread, reply,
      [thread, index, image = std::vector<char>(text, text + length)](const Reply& reply) {
        const std::shared_ptr<VectorAdder> adder(
            new VectorAdder(index, image), [thread](VectorAdder* adder) {
              thread->post([adder] {
                adder->close();
                delete adder;
              });
            });
        reply.send([thread, adder](napi_env env) {
          const auto open = std::make_shared<OpenDevice>(OpenDevice{thread, adder});
          addon_of(env).devices.push_back(open);
          const auto shared = [&](void* start, size_t bytes) {
            return array_buffer(env, start, bytes, PinnedOwner{open, adder->control()});
          };
          return object(
              env,
              {{"handle", handle_of(env, open)},
               {"device", to_value(env, adder->info())},
               {"completions",
                shared(adder->completions(), VGPU_RING_CAPACITY * sizeof(vgpu_completion))},
               {"batch", shared(adder->batch(), sizeof(vgpu_batch))}});
        });
      });
  return nullptr;
}

// What becomes of an addition, as the numbers of `LaunchOutcome` in src/native.ts.
enum LaunchOutcome : int32_t {
  // It ends with its completion word.
  launched = 0,
  // It ends with the callback.
  staged = 1,
  // Memory is being registered: nothing was launched, and it is to be tried later.
  busy = 2,
};

// launchBatch(handle): launches the additions in the batch. Returns launched, busy, or a failure.
napi_value launch_batch(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const VectorAdder& adder = *device_of(env, arguments.values[0])->adder;
  if (adder.batch()->count > VGPU_BATCH_CAPACITY) throw InvalidCall{"the batch is too large"};
  const bool is_launched = adder.launch_batch() == VectorAdder::Launch::launched;
  return int32(env, is_launched ? launched : busy);
}

// add(handle, a, b, out, count, ticket, callback): adds the first `count` elements. Returns an outcome
// or a failure.
napi_value add(napi_env env, napi_callback_info info) {
  const Arguments<7> arguments(env, info);
  const auto& [handle, a, b, out, count_value, ticket, callback] = arguments.values;
  VectorAdder& adder = *device_of(env, handle)->adder;
  const size_t count = to_size(env, count_value);
  const VectorAdd add{to_int32s(env, a, count), to_int32s(env, b, count), to_int32s(env, out, count),
                      count, static_cast<uint32_t>(to_int32(env, ticket))};
  switch (adder.launch_in_place(add)) {
    case VectorAdder::Launch::launched: return int32(env, launched);
    case VectorAdder::Launch::busy: return int32(env, busy);
    case VectorAdder::Launch::not_pinned: break;
  }
  Pipeline& pipeline = adder.pipeline();
  const Reply reply = reply_to(env, callback);
  // The adder is not closed before its pipeline is done, so this need not keep it.
  pipeline.submit(add, [reply](const std::optional<CudaFailure>& failure) {
    if (failure) reply.fail(*failure);
    else reply.send(null);
  });
  return int32(env, staged);
}

// wait(handle, callback): waits for all earlier launches.
napi_value wait(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const std::shared_ptr<OpenDevice>& open = device_of(env, arguments.values[0]);
  run_blocking(*open->thread, reply_to(env, arguments.values[1]), [open](const Reply& reply) {
    open->adder->wait_for_launches();
    reply.send(null);
  });
  return nullptr;
}

// allocate(handle, bytes, callback): the result is an ArrayBuffer.
napi_value allocate(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const std::shared_ptr<OpenDevice>& open = device_of(env, arguments.values[0]);
  const size_t bytes = to_size(env, arguments.values[1]);
  run_blocking(*open->thread, reply_to(env, arguments.values[2]), [open, bytes](const Reply& reply) {
    reply.send([open, bytes, memory = open->adder->allocate(bytes)](napi_env env) {
      return array_buffer(env, memory->data(), bytes, PinnedOwner{open, memory});
    });
  });
  return nullptr;
}

// endWithParent(): ends this process within a second after its parent has ended, even if its threads
// hang.
napi_value end_with_parent(napi_env, napi_callback_info) {
  const pid_t parent = getppid();
  std::thread([parent] {
    while (getppid() == parent) std::this_thread::sleep_for(std::chrono::seconds(1));
    _exit(0);
  }).detach();
  return nullptr;
}

// newResult(handle, bytes): returns an ArrayBuffer of undefined content for a result, or a failure.
napi_value new_result(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const std::shared_ptr<OpenDevice>& open = device_of(env, arguments.values[0]);
  const size_t bytes = to_size(env, arguments.values[1]);
  auto memory = open->adder->result_memory().take(bytes);
  void* const start = memory->data();
  return array_buffer(env, start, bytes, ResultOwner{open, std::move(memory)});
}

// close(handle, callback): closes the device. Nothing may be in flight.
napi_value close(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const std::shared_ptr<OpenDevice>& open = device_of(env, arguments.values[0]);
  run_blocking(*open->thread, reply_to(env, arguments.values[1]), [open](const Reply& reply) {
    open->adder->close();
    reply.send(null);
  });
  addon_of(env).devices.remove_if([&](const auto& other) {
    const auto same = other.lock();
    return same == nullptr || same == open;
  });
  return nullptr;
}

// --- the module -----------------------------------------------------------------------------------

// Turns C++ exceptions into failures or exceptions of JavaScript.
template <napi_value (*function)(napi_env, napi_callback_info)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return function(env, info);
  } catch (const CudaFailure& failure) {
    return to_value(env, Failure{failure});
  } catch (const InvalidCall& call) {
    napi_throw_type_error(env, nullptr, call.what);
  } catch (const std::exception& error) {
    // No thread could be started, or no memory is left.
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

// Runs before the memory of the environment is freed: closes the devices that are open, and waits for
// that.
void tear_down(void* data) {
  auto* addon = static_cast<Addon*>(data);
  addon->mailbox->close();
  std::list<std::future<void>> closings;
  for (const auto& device : addon->devices) {
    const auto open = device.lock();
    if (open == nullptr) continue;
    open->adder->caller_memory().withdraw();
    auto closed = std::make_shared<std::promise<void>>();
    closings.push_back(closed->get_future());
    open->thread->post([open, closed] {
      open->adder->close();
      closed->set_value();
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + teardown_patience;
  for (auto& closing : closings) closing.wait_until(deadline);
}

napi_value init(napi_env env, napi_value exports) {
  auto* addon = new Addon{Mailbox::create(env), {}};
  if (addon->mailbox == nullptr) {
    delete addon;
    napi_throw_error(env, nullptr, "cannot set up @vgpu/cuda-binding in this environment");
    return nullptr;
  }
  napi_set_instance_data(
      env, addon, [](napi_env, void* data, void*) { delete static_cast<Addon*>(data); }, nullptr);
  napi_add_env_cleanup_hook(env, tear_down, addon);

  const napi_property_descriptor functions[] = {
#define VGPU_EXPORT(name, function) \
  {name, nullptr, guarded<function>, nullptr, nullptr, nullptr, napi_enumerable, nullptr}
      VGPU_EXPORT("listDevices", list_devices), VGPU_EXPORT("open", open),
      VGPU_EXPORT("launchBatch", launch_batch), VGPU_EXPORT("add", add),
      VGPU_EXPORT("wait", wait),                VGPU_EXPORT("allocate", allocate),
      VGPU_EXPORT("newResult", new_result),     VGPU_EXPORT("close", close),
      VGPU_EXPORT("endWithParent", end_with_parent),
#undef VGPU_EXPORT
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  napi_set_named_property(env, exports, "sourceHash", string(env, VGPU_SOURCE_HASH));
  napi_set_named_property(env, exports, "ringCapacity", number(env, VGPU_RING_CAPACITY));
  napi_set_named_property(env, exports, "batchCapacity", number(env, VGPU_BATCH_CAPACITY));
  napi_set_named_property(env, exports, "launchOutcomes",
                          object(env, {{"launched", int32(env, launched)},
                                       {"staged", int32(env, staged)},
                                       {"busy", int32(env, busy)}}));
  return exports;
}

}  // namespace
}  // namespace vgpu

NAPI_MODULE_INIT() { return vgpu::init(env, exports); }
