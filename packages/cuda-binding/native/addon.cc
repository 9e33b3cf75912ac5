// What JavaScript sees. Arguments are validated there (src/), here only as far as memory is at stake.
//
// Nothing throws for a failing device: a failure is handed over as an object, and JavaScript makes an
// error of it. Functions that have to wait for the device take a callback, which gets the failure, or
// null and the result.

#include <node_api.h>

#include <chrono>
#include <cstring>
#include <future>
#include <list>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "device.h"
#include "mailbox.h"
#include "pipeline.h"
#include "task_thread.h"

namespace vgpu {
namespace {

// How long the end of an environment waits for a device to be closed. A healthy one takes a tenth of
// it; a device that hangs is left to the end of the process.
constexpr auto teardown_patience = std::chrono::seconds(2);

using Failure = std::variant<CudaFailure, DriverUnavailable>;

// A device and the thread that waits for it.
struct OpenDevice {
  std::shared_ptr<TaskThread> thread;
  // Dropping it, from any thread, has `thread` close the device.
  std::shared_ptr<Device> device;
  napi_ref on_staged = nullptr;
};

// What belongs to one environment: the main thread's, or a worker's.
struct Addon {
  std::shared_ptr<Mailbox> mailbox;
  std::list<std::weak_ptr<OpenDevice>> devices;
};

constexpr napi_type_tag handle_tag = {0x5b1d6c1f0a7e4d52, 0x9f3a8be27c40d611};

// --- values ---------------------------------------------------------------------------------------

napi_value null(napi_env env) {
  napi_value value;
  napi_get_null(env, &value);
  return value;
}

napi_value boolean(napi_env env, bool of) {
  napi_value value;
  napi_get_boolean(env, of, &value);
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

napi_value to_value(napi_env env, const CudaFailure& failure) {
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

napi_value to_value(napi_env env, const DriverUnavailable& failure) {
  return object(env, {{"reason", string(env, failure.reason)}});
}

napi_value to_value(napi_env env, const Failure& failure) {
  return std::visit([env](const auto& which) { return to_value(env, which); }, failure);
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

// --- arguments ------------------------------------------------------------------------------------

struct InvalidCall {
  const char* what;
};

Addon& addon_of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Addon*>(data);
}

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

std::shared_ptr<OpenDevice>& device_of(napi_env env, napi_value handle) {
  bool is_ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, handle, &handle_tag, &is_ours) != napi_ok || !is_ours ||
      napi_unwrap(env, handle, &data) != napi_ok) {
    throw InvalidCall{"expected the handle of a device"};
  }
  return *static_cast<std::shared_ptr<OpenDevice>*>(data);
}

int32_t* int32s(napi_env env, napi_value array, size_t count) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_int32_array || length < count) {
    throw InvalidCall{"expected an Int32Array of that length"};
  }
  return static_cast<int32_t*>(data);
}

size_t size(napi_env env, napi_value value) {
  int64_t size = -1;
  if (napi_get_value_int64(env, value, &size) != napi_ok || size < 0) {
    throw InvalidCall{"expected a size"};
  }
  return static_cast<size_t>(size);
}

int32_t int32(napi_env env, napi_value value) {
  int32_t number = 0;
  if (napi_get_value_int32(env, value, &number) != napi_ok) throw InvalidCall{"expected an int32"};
  return number;
}

// --- callbacks ------------------------------------------------------------------------------------

void call(napi_env env, napi_value function, std::initializer_list<napi_value> arguments) {
  napi_value global;
  napi_get_global(env, &global);
  if (napi_call_function(env, global, function, arguments.size(), arguments.begin(), nullptr) ==
      napi_pending_exception) {
    napi_value exception;
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
}

// A callback that will be called once, by whoever has a copy of this.
class Reply {
 public:
  Reply(napi_env env, napi_value callback) : mailbox_(addon_of(env).mailbox) {
    if (napi_create_reference(env, callback, 1, &callback_) != napi_ok) {
      throw InvalidCall{"expected a callback"};
    }
    mailbox_->expect();
  }

  // On any thread. `make` turns the result into a value on the JavaScript thread.
  template <typename Make>
  void send(Make make) const {
    mailbox_->post([callback = callback_, make = std::move(make)](napi_env env) {
      deliver(env, callback, null(env), make(env));
    });
  }

  void fail(Failure failure) const {
    mailbox_->post([callback = callback_, failure = std::move(failure)](napi_env env) {
      deliver(env, callback, to_value(env, failure), null(env));
    });
  }

 private:
  static void deliver(napi_env env, napi_ref callback, napi_value failure, napi_value result) {
    napi_value function;
    napi_get_reference_value(env, callback, &function);
    napi_delete_reference(env, callback);
    call(env, function, {failure, result});
  }

  std::shared_ptr<Mailbox> mailbox_;
  napi_ref callback_ = nullptr;
};

// Runs `task` on a thread that may block; what it throws is the reply.
template <typename Task>
void run_blocking(TaskThread& thread, const Reply& reply, Task task) {
  thread.post([reply, task = std::move(task)]() mutable {
    try {
      task(reply);
    } catch (const CudaFailure& failure) {
      reply.fail(failure);
    } catch (const DriverUnavailable& failure) {
      reply.fail(failure);
    }
  });
}

// An ArrayBuffer over pinned memory, which gives the memory back when it is collected.
napi_value array_buffer(napi_env env, const std::shared_ptr<OpenDevice>& open,
                        std::shared_ptr<PinnedMemory> memory, char* start, size_t bytes) {
  struct Owner {
    std::shared_ptr<TaskThread> thread;
    std::shared_ptr<Device> device;
    std::shared_ptr<PinnedMemory> memory;
  };
  auto* owner = new Owner{open->thread, open->device, std::move(memory)};
  const auto finalize = [](napi_env, void*, void* hint) {
    auto* owner = static_cast<Owner*>(hint);
    // Unregistering waits for the device, so not here.
    owner->thread->post([device = std::move(owner->device), memory = std::move(owner->memory)] {
      if (device->control() != memory) device->release(*memory);
    });
    delete owner;
  };
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, start, bytes, finalize, owner, &buffer) != napi_ok) {
    finalize(env, start, owner);
    throw InvalidCall{"this runtime allows no external array buffers"};
  }
  return buffer;
}

// --- the functions --------------------------------------------------------------------------------

napi_value list_devices(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Reply reply(env, arguments.values[0]);
  run_blocking(*std::make_shared<TaskThread>(), reply, [](const Reply& reply) {
    reply.send([devices = ::vgpu::list_devices()](napi_env env) { return to_value(env, devices); });
  });
  return nullptr;
}

void forget_callback(napi_env env, OpenDevice& open) {
  if (open.on_staged != nullptr) napi_delete_reference(env, open.on_staged);
  open.on_staged = nullptr;
}

napi_value handle_of(napi_env env, const std::shared_ptr<OpenDevice>& open) {
  napi_value handle;
  napi_create_object(env, &handle);
  auto* holder = new std::shared_ptr<OpenDevice>(open);
  const auto finalize = [](napi_env env, void* data, void*) {
    auto* holder = static_cast<std::shared_ptr<OpenDevice>*>(data);
    forget_callback(env, **holder);
    delete holder;
  };
  napi_wrap(env, handle, holder, finalize, nullptr, nullptr);
  napi_type_tag_object(env, handle, &handle_tag);
  return handle;
}

// open(index, image, onStaged, callback): onStaged(ticket, failure or null) is called when an
// addition that went through the pipeline is done. The result: { handle, device, completions, batch }.
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  const int index = int32(env, arguments.values[0]);
  void* bytes = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, arguments.values[1], &type, &length, &bytes, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array) {
    throw InvalidCall{"expected the image as a Uint8Array"};
  }
  const auto* text = static_cast<const char*>(bytes);
  napi_ref on_staged = nullptr;
  if (napi_create_reference(env, arguments.values[2], 1, &on_staged) != napi_ok) {
    throw InvalidCall{"expected a function"};
  }
  const auto thread = std::make_shared<TaskThread>();
  const Reply reply(env, arguments.values[3]);
  run_blocking(
      *thread, reply,
      [thread, index, on_staged, image = std::vector<char>(text, text + length)](const Reply& reply) {
        const std::shared_ptr<Device> device(new Device(index, image), [thread](Device* device) {
          thread->post([device] {
            device->close();
            delete device;
          });
        });
        reply.send([thread, device, on_staged](napi_env env) {
          const auto open = std::make_shared<OpenDevice>(OpenDevice{thread, device, on_staged});
          addon_of(env).devices.push_back(open);
          const auto shared = [&](void* start, size_t bytes) {
            return array_buffer(env, open, device->control(), static_cast<char*>(start), bytes);
          };
          return object(
              env,
              {{"handle", handle_of(env, open)},
               {"device", to_value(env, device->info())},
               {"completions",
                shared(device->completions(), VGPU_RING_CAPACITY * sizeof(vgpu_completion))},
               {"batch", shared(device->batch(), sizeof(vgpu_batch))}});
        });
      });
  return nullptr;
}

// launchBatch(handle): launches what stands in the batch. Gives a failure or null.
napi_value launch_batch(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Device& device = *device_of(env, arguments.values[0])->device;
  if (device.batch()->count > VGPU_BATCH_CAPACITY) throw InvalidCall{"the batch is too large"};
  device.launch_batch();
  return null(env);
}

// add(handle, a, b, out, count, ticket): adds the first `count` elements. Gives true if it completes
// by its completion word, false if onStaged will be called, or a failure.
napi_value add(napi_env env, napi_callback_info info) {
  const Arguments<6> arguments(env, info);
  const auto& [handle, a, b, out, count_value, ticket] = arguments.values;
  const std::shared_ptr<OpenDevice>& open = device_of(env, handle);
  const size_t count = size(env, count_value);
  const VectorAdd add{int32s(env, a, count), int32s(env, b, count), int32s(env, out, count), count,
                      static_cast<uint32_t>(int32(env, ticket))};
  if (open->device->launch_in_place(add)) return boolean(env, true);

  const std::shared_ptr<Mailbox> mailbox = addon_of(env).mailbox;
  open->device->pipeline().submit(add, [mailbox, open, ticket = add.ticket](const auto& failure) {
    mailbox->post([open, ticket, failure](napi_env env) {
      napi_value on_staged;
      napi_get_reference_value(env, open->on_staged, &on_staged);
      call(env, on_staged,
           {number(env, static_cast<int32_t>(ticket)), failure ? to_value(env, *failure) : null(env)});
    });
  });
  mailbox->expect();
  return boolean(env, false);
}

// wait(handle, callback): waits for all that was launched before.
napi_value wait(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const std::shared_ptr<OpenDevice>& open = device_of(env, arguments.values[0]);
  run_blocking(*open->thread, Reply(env, arguments.values[1]), [open](const Reply& reply) {
    open->device->wait_for_launches();
    reply.send(null);
  });
  return nullptr;
}

// allocate(handle, bytes, callback): the result is an ArrayBuffer.
napi_value allocate(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const std::shared_ptr<OpenDevice>& open = device_of(env, arguments.values[0]);
  const size_t bytes = size(env, arguments.values[1]);
  run_blocking(*open->thread, Reply(env, arguments.values[2]), [open, bytes](const Reply& reply) {
    reply.send([open, bytes, memory = open->device->allocate(bytes)](napi_env env) {
      return array_buffer(env, open, memory, memory->data(), bytes);
    });
  });
  return nullptr;
}

// close(handle, callback): nothing may be in flight.
napi_value close(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const std::shared_ptr<OpenDevice>& open = device_of(env, arguments.values[0]);
  run_blocking(*open->thread, Reply(env, arguments.values[1]), [open](const Reply& reply) {
    open->device->close();
    reply.send(null);
  });
  forget_callback(env, *open);
  addon_of(env).devices.remove_if([&](const auto& other) {
    const auto same = other.lock();
    return same == nullptr || same == open;
  });
  return nullptr;
}

// --- the module -----------------------------------------------------------------------------------

// Turns C++ exceptions into what JavaScript expects.
template <napi_value (*function)(napi_env, napi_callback_info)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return function(env, info);
  } catch (const CudaFailure& failure) {
    return to_value(env, failure);
  } catch (const InvalidCall& call) {
    napi_throw_type_error(env, nullptr, call.what);
  } catch (const std::exception& error) {
    // No thread could be started, or no memory is left.
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

// Runs before the environment's memory goes: closes what was left open, and waits for it.
void tear_down(void* data) {
  auto* addon = static_cast<Addon*>(data);
  addon->mailbox->close();
  std::list<std::future<void>> closings;
  for (const auto& device : addon->devices) {
    const auto open = device.lock();
    if (open == nullptr) continue;
    open->device->caller_memory().withdraw();
    auto closed = std::make_shared<std::promise<void>>();
    closings.push_back(closed->get_future());
    open->thread->post([open, closed] {
      open->device->close();
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
      VGPU_EXPORT("close", close),
#undef VGPU_EXPORT
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  napi_set_named_property(env, exports, "sourceHash", string(env, VGPU_SOURCE_HASH));
  napi_set_named_property(env, exports, "ringCapacity", number(env, VGPU_RING_CAPACITY));
  napi_set_named_property(env, exports, "batchCapacity", number(env, VGPU_BATCH_CAPACITY));
  return exports;
}

}  // namespace
}  // namespace vgpu

NAPI_MODULE_INIT() { return vgpu::init(env, exports); }
