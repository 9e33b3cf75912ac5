// Work of other threads for the JavaScript thread of one environment.
#pragma once

#include <node_api.h>

#include <functional>
#include <memory>
#include <mutex>

namespace vgpu {

// Letters are delivered in the order in which they were posted, each in a turn of the event loop, which
// stays alive while letters are expected. After close() they are dropped.
class Mailbox {
 public:
  using Letter = std::function<void(napi_env)>;

  // On the JavaScript thread. Null if the environment is shutting down.
  static std::shared_ptr<Mailbox> create(napi_env env);

  // On the JavaScript thread, once for every letter, before it can be posted.
  void expect();
  // On any thread.
  void post(Letter letter);
  // On the JavaScript thread, before the environment ends.
  void close();

 private:
  static void deliver(napi_env env, napi_value, void* context, void* letter);

  napi_env env_ = nullptr;
  napi_threadsafe_function function_ = nullptr;
  int expected_ = 0;
  std::mutex mutex_;
  bool is_closed_ = false;
};

}  // namespace vgpu
