#include "reply.h"

namespace vgpu {

Reply::Reply(napi_env env, const std::shared_ptr<Mailbox>& mailbox, napi_value callback)
    : mailbox_(mailbox) {
  if (napi_create_reference(env, callback, 1, &callback_) != napi_ok) {
    throw InvalidCall{"expected a callback"};
  }
  mailbox_->expect();
}

void Reply::fail(Failure failure) const {
  mailbox_->post([callback = callback_, failure = std::move(failure)](napi_env env) {
    deliver(env, callback, to_value(env, failure), null(env));
  });
}

void Reply::deliver(napi_env env, napi_ref callback, napi_value failure, napi_value result) {
  napi_value function;
  napi_value global;
  const bool can_call = napi_get_reference_value(env, callback, &function) == napi_ok &&
                        napi_get_global(env, &global) == napi_ok;
  napi_delete_reference(env, callback);
  if (!can_call) return;
  const napi_value arguments[] = {failure, result};
  if (napi_call_function(env, global, function, 2, arguments, nullptr) != napi_pending_exception) {
    return;
  }
  napi_value exception;
  napi_get_and_clear_last_exception(env, &exception);
  napi_fatal_exception(env, exception);
}

}  // namespace vgpu
