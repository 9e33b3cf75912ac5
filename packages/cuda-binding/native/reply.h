// Callbacks of JavaScript, called for other threads.
#pragma once

#include <node_api.h>

#include <memory>
#include <new>
#include <utility>

#include "mailbox.h"
#include "task_thread.h"
#include "values.h"

namespace vgpu {

// A callback that is called once, through any copy of this, with a failure and null, or with null and a
// result. Until then it keeps itself and the event loop alive.
class Reply {
 public:
  // Throws InvalidCall.
  Reply(napi_env env, const std::shared_ptr<Mailbox>& mailbox, napi_value callback);

  // On any thread. `make` turns the result into a value on the JavaScript thread.
  template <typename Make>
  void send(Make make) const {
    mailbox_->post([callback = callback_, make = std::move(make)](napi_env env) {
      try {
        deliver(env, callback, null(env), make(env));
      } catch (const InvalidCall& call) {
        // An environment that is being stopped can't make values any more.
        deliver(env, callback, to_value(env, DriverUnavailable{call.what}), null(env));
      }
    });
  }

  void fail(Failure failure) const;

 private:
  static void deliver(napi_env env, napi_ref callback, napi_value failure, napi_value result);

  std::shared_ptr<Mailbox> mailbox_;
  napi_ref callback_ = nullptr;
};

// Runs `task` on a thread that may block. If it throws a failure, that is the reply.
template <typename Task>
void run_blocking(TaskThread& thread, const Reply& reply, Task task) {
  thread.post([reply, task = std::move(task)]() mutable {
    try {
      task(reply);
    } catch (const CudaFailure& failure) {
      reply.fail(failure);
    } catch (const DriverUnavailable& failure) {
      reply.fail(failure);
    } catch (const KernelMismatch& failure) {
      reply.fail(failure);
    } catch (const std::bad_alloc&) {
      reply.fail(CudaFailure{CUDA_ERROR_OUT_OF_MEMORY, "malloc"});
    }
  });
}

}  // namespace vgpu
