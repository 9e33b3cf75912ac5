#include "mailbox.h"

#include <utility>

namespace vgpu {

std::shared_ptr<Mailbox> Mailbox::create(napi_env env) {
  auto mailbox = std::make_shared<Mailbox>();
  mailbox->env_ = env;
  napi_value name;
  if (napi_create_string_utf8(env, "vgpu", NAPI_AUTO_LENGTH, &name) != napi_ok) return nullptr;
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                      mailbox.get(), deliver, &mailbox->function_) != napi_ok) {
    return nullptr;
  }
  napi_unref_threadsafe_function(env, mailbox->function_);
  return mailbox;
}

void Mailbox::expect() {
  if (expected_++ == 0) napi_ref_threadsafe_function(env_, function_);
}

void Mailbox::post(Letter letter) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_closed_) return;
  auto* posted = new Letter(std::move(letter));
  if (napi_call_threadsafe_function(function_, posted, napi_tsfn_nonblocking) != napi_ok) {
    delete posted;
  }
}

void Mailbox::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_closed_ = true;
}

void Mailbox::deliver(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<Letter> letter(static_cast<Letter*>(data));
  // Without an environment the queue is only being emptied (napi_threadsafe_function_call_js).
  if (env == nullptr) return;
  auto* mailbox = static_cast<Mailbox*>(context);
  if (--mailbox->expected_ == 0) napi_unref_threadsafe_function(env, mailbox->function_);
  (*letter)(env);
}

}  // namespace vgpu
