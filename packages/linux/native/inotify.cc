#include "inotify.h"

#include <sys/inotify.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "values.h"

namespace vgpu {
namespace {

// What is read at once; the rest is for the next turn of the event loop.
constexpr size_t kBytes = 16384;

// What happened in one directory.
struct News {
  int directory;
  std::vector<std::string> names;
  uint32_t others = 0;
  // The kernel's queue was full: what else happened, and where, is not known.
  bool are_lost = false;
};

struct Listener {
  int number;
  napi_ref on_events;
};

class Inotify;

// Of one environment. Programs that watch for different names share no queue of the kernel, nor the events
// that they ask for of a directory.
struct Instances {
  std::unordered_map<std::string, Inotify*> by_prefix;
  // The one that each watch belongs to.
  std::unordered_map<int, Inotify*> by_watch;
  int last_watch = 0;

  static Instances& of(napi_env env) {
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    if (data == nullptr) {
      data = new Instances();
      const auto remove = [](napi_env, void* instances, void*) {
        delete static_cast<Instances*>(instances);
      };
      napi_set_instance_data(env, data, remove, nullptr);
    }
    return *static_cast<Instances*>(data);
  }
};

class Inotify {
 public:
  // The one that is open; null if there is none.
  static Inotify* of(Instances& instances, const std::string& prefix) {
    const auto found = instances.by_prefix.find(prefix);
    return found == instances.by_prefix.end() ? nullptr : found->second;
  }

  // Null, and errno, if none can be had.
  static Inotify* open(napi_env env, Instances& instances, const std::string& prefix) {
    const int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return descriptor < 0 ? nullptr : new Inotify(env, instances, prefix, descriptor);
  }

  int add(const std::string& path, uint32_t events, napi_value on_events) {
    // The kernel has one watch for a directory, also where there are several here.
    const int directory = inotify_add_watch(descriptor_, path.c_str(), events);
    const int error = errno;
    if (directory < 0) {
      close_if_unused();
      return -error;
    }
    Listener listener = {++instances_.last_watch, nullptr};
    napi_create_reference(env_, on_events, 1, &listener.on_events);
    listeners_[directory].push_back(listener);
    directories_[listener.number] = directory;
    instances_.by_watch[listener.number] = this;
    return listener.number;
  }

  void remove(int number) {
    const auto found = directories_.find(number);
    if (found == directories_.end()) return;
    const int directory = found->second;
    directories_.erase(found);
    instances_.by_watch.erase(number);
    auto& listeners = listeners_[directory];
    const auto listener = std::find_if(listeners.begin(), listeners.end(),
                                       [=](const Listener& one) { return one.number == number; });
    napi_delete_reference(env_, listener->on_events);
    listeners.erase(listener);
    if (!listeners.empty()) return;
    listeners_.erase(directory);
    inotify_rm_watch(descriptor_, directory);
    close_if_unused();
  }

 private:
  Inotify(napi_env env, Instances& instances, const std::string& prefix, int descriptor)
      : env_(env), instances_(instances), prefix_(prefix), descriptor_(descriptor) {
    napi_value name;
    napi_create_string_utf8(env, "inotify", NAPI_AUTO_LENGTH, &name);
    napi_async_init(env, nullptr, name, &context_);
    uv_loop_t* loop = nullptr;
    napi_get_uv_event_loop(env, &loop);
    poll_.data = this;
    uv_poll_init(loop, &poll_, descriptor);
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
      static_cast<Inotify*>(poll->data)->read_on();
    });
    uv_unref(reinterpret_cast<uv_handle_t*>(&poll_));
    instances_.by_prefix[prefix] = this;
    napi_add_env_cleanup_hook(env, close, this);
  }

  void close_if_unused() {
    if (!listeners_.empty()) return;
    napi_remove_env_cleanup_hook(env_, close, this);
    instances_.by_prefix.erase(prefix_);
    close(this);
  }

  static void close(void* data) {
    auto* inotify = static_cast<Inotify*>(data);
    napi_async_destroy(inotify->env_, inotify->context_);
    uv_poll_stop(&inotify->poll_);
    ::close(inotify->descriptor_);
    uv_close(reinterpret_cast<uv_handle_t*>(&inotify->poll_),
             [](uv_handle_t* poll) { delete static_cast<Inotify*>(poll->data); });
  }

  void read_on() {
    alignas(inotify_event) char events[kBytes];
    const ssize_t length = read(descriptor_, events, sizeof events);
    std::vector<News> all;
    bool are_lost = false;
    for (ssize_t at = 0; at < length;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        are_lost = true;
        continue;
      }
      if (all.empty() || all.back().directory != event->wd) all.push_back({event->wd, {}, 0, false});
      const bool is_told =
          event->len > 0 && std::strncmp(event->name, prefix_.c_str(), prefix_.size()) == 0;
      if (is_told) {
        all.back().names.emplace_back(event->name);
      } else {
        all.back().others += 1;
      }
    }
    for (const News& news : all) tell(news);
    // Of any directory: one listener tells all others.
    if (are_lost && !listeners_.empty()) tell({listeners_.begin()->first, {}, 0, true});
  }

  void tell(const News& news) {
    const auto found = listeners_.find(news.directory);
    if (found == listeners_.end()) return;
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    napi_value names;
    napi_create_array_with_length(env_, news.names.size(), &names);
    for (uint32_t index = 0; index < news.names.size(); index += 1) {
      napi_value name;
      napi_create_string_utf8(env_, news.names[index].data(), news.names[index].size(), &name);
      napi_set_element(env_, names, index, name);
    }
    // What is told may end watches, and with the last of them this.
    const std::vector<Listener> listeners = found->second;
    for (const Listener& listener : listeners) {
      if (directories_.count(listener.number) > 0) call(listener, names, news);
      if (news.are_lost) break;
    }
    napi_close_handle_scope(env_, scope);
  }

  void call(const Listener& listener, napi_value names, const News& news) {
    napi_value are_lost;
    napi_get_boolean(env_, news.are_lost, &are_lost);
    const napi_value arguments[] = {names, number(env_, news.others), are_lost};
    napi_value global, function;
    napi_get_global(env_, &global);
    napi_get_reference_value(env_, listener.on_events, &function);
    const napi_status status =
        napi_make_callback(env_, context_, global, function, 3, arguments, nullptr);
    if (status != napi_pending_exception) return;
    // An uncaught exception, as in any callback of Node's.
    napi_value error;
    napi_get_and_clear_last_exception(env_, &error);
    napi_fatal_exception(env_, error);
  }

  napi_env env_;
  Instances& instances_;
  const std::string prefix_;
  int descriptor_;
  napi_async_context context_ = nullptr;
  uv_poll_t poll_{};
  // By the number that the kernel gave to their directory.
  std::unordered_map<int, std::vector<Listener>> listeners_;
  // The directory of each listener.
  std::unordered_map<int, int> directories_;
};

}  // namespace

napi_value watch(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Instances& instances = Instances::of(env);
  const std::string prefix = arguments.text(2);
  Inotify* inotify = Inotify::of(instances, prefix);
  if (inotify == nullptr) inotify = Inotify::open(env, instances, prefix);
  if (inotify == nullptr) return number(env, -errno);
  const auto events = static_cast<uint32_t>(arguments.int32(1));
  return number(env, inotify->add(arguments.text(0), events, arguments[3]));
}

napi_value unwatch(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const int watch = arguments.int32(0);
  const Instances& instances = Instances::of(env);
  const auto found = instances.by_watch.find(watch);
  if (found != instances.by_watch.end()) found->second->remove(watch);
  return nullptr;
}

}  // namespace vgpu
