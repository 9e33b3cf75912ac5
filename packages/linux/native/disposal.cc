#include "disposal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace vgpu {
namespace {

// A directory that holds up its thread for this time has that thread for itself. Nanoseconds.
constexpr uint64_t kPatienceNs = 10'000'000;
// What comes within this time is done together: to wake a thread for each request, and the event loop
// by what inotify tells of each removal, would take time from serving.
constexpr unsigned kGatheringMs = 1;
// This number of directories can hold up their threads before others wait for theirs.
constexpr size_t kMaxThreads = 64;
// Threads that stay though there is nothing to do: one to work, one to take over.
constexpr size_t kWaiting = 2;
// Then it is another directory's turn.
constexpr int kItemsInTurn = 32;
// Descriptors are scarcer than names.
constexpr size_t kDescriptorWeight = 16;
constexpr size_t kStackBytes = 128 * 1024;

struct Item {
  std::string name;
  int descriptor = -1;
  bool is_directory = false;
  size_t weight() const { return descriptor < 0 ? 1 : kDescriptorWeight; }
};

void run(int directory, const Item& item) {
  if (item.descriptor >= 0) {
    close(item.descriptor);
  } else if (item.is_directory) {
    // rmdir(2) frees it while it locks the directory around it, unless somebody holds it.
    const int held = openat(directory, item.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    unlinkat(directory, item.name.c_str(), AT_REMOVEDIR);
    if (held >= 0) close(held);
  } else {
    unlinkat(directory, item.name.c_str(), 0);
  }
}

// What is to be done for one directory. It is with a thread, or in `ready_`, while it has items.
struct Lane {
  std::deque<Item> items;
  size_t outstanding = 0;
  bool is_taken = false;
};

// Threads, mutexes and conditions are those of libuv, which Node brings: what is linked on a glibc since 2.32
// by the names of pthreads(7) needs a glibc as new, and std::condition_variable a libstdc++ of GCC 12.
class Mutex {
 public:
  Mutex() { uv_mutex_init(&mutex_); }
  void lock() { uv_mutex_lock(&mutex_); }
  void unlock() { uv_mutex_unlock(&mutex_); }
  uv_mutex_t* get() { return &mutex_; }

 private:
  uv_mutex_t mutex_;
};

class Disposal {
 public:
  // Never destroyed: threads may be at work when the process ends.
  static Disposal& instance() {
    static auto* disposal = new Disposal();
    return *disposal;
  }

  size_t add(int directory, Item item) {
    std::unique_lock<Mutex> lock(mutex_);
    Lane& lane = lanes_[directory];
    lane.outstanding += item.weight();
    lane.items.push_back(std::move(item));
    if (!lane.is_taken) {
      lane.is_taken = true;
      ready_.push_back(directory);
    }
    if (threads_ == 0 && !start()) {
      // Slow is better than never.
      take_turns(lock);
    } else if (working_ == 0 || !is_watched_) {
      uv_cond_signal(&wake_);
    }
    return lane.outstanding;
  }

  size_t outstanding(int directory) {
    const std::lock_guard<Mutex> lock(mutex_);
    const auto found = lanes_.find(directory);
    return found == lanes_.end() ? 0 : found->second.outstanding;
  }

 private:
  Disposal() { uv_cond_init(&wake_); }

  // The mutex is held. False if the limit of threads is reached.
  bool start() {
    const uv_thread_options_t options = {UV_THREAD_HAS_STACK_SIZE, kStackBytes};
    // Signals are for the threads of Node.
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    uv_thread_t thread;
    const bool is_started = uv_thread_create_ex(&thread, &options, work, this) == 0;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    threads_ += is_started ? 1 : 0;
    return is_started;
  }

  static void work(void* data) {
    prctl(PR_SET_NAME, "vgpu-disposal");
    static_cast<Disposal*>(data)->serve();
  }

  void serve() {
    std::unique_lock<Mutex> lock(mutex_);
    while (wait_for_turn(lock)) {
      working_ += 1;
      lock.unlock();
      uv_sleep(kGatheringMs);
      lock.lock();
      take_turns(lock);
      working_ -= 1;
    }
    threads_ -= 1;
    // A thread that has ended keeps its stack until another one joins it.
    auto previous = std::exchange(ended_, uv_thread_self());
    lock.unlock();
    if (previous) uv_thread_join(&*previous);
  }

  // Waits until something is ready and nobody works on it: all who work are held up. While somebody works,
  // one of those who wait watches whether that goes on. False if this thread is one too many.
  bool wait_for_turn(std::unique_lock<Mutex>& lock) {
    waiting_ += 1;
    bool is_due = !ready_.empty() && working_ == 0;
    while (!is_due && waiting_ <= kWaiting) {
      bool is_stalled = false;
      if (ready_.empty() || is_watched_) {
        uv_cond_wait(&wake_, mutex_.get());
      } else {
        const size_t before = done_;
        is_watched_ = true;
        const int waited = uv_cond_timedwait(&wake_, mutex_.get(), kPatienceNs);
        is_watched_ = false;
        is_stalled = waited == UV_ETIMEDOUT && done_ == before;
      }
      is_due = !ready_.empty() && (working_ == 0 || is_stalled);
    }
    waiting_ -= 1;
    // Another one watches from now on: this thread, too, may be held up.
    if (is_due && waiting_ > 0) uv_cond_signal(&wake_);
    return is_due;
  }

  void take_turns(std::unique_lock<Mutex>& lock) {
    while (!ready_.empty()) {
      const int directory = ready_.front();
      ready_.pop_front();
      if (waiting_ == 0 && threads_ < kMaxThreads) start();
      take_turn(lock, directory);
    }
  }

  void take_turn(std::unique_lock<Mutex>& lock, int directory) {
    Lane& lane = lanes_[directory];
    for (int count = 0; count < kItemsInTurn; count += 1) {
      const Item item = std::move(lane.items.front());
      lane.items.pop_front();
      const bool is_last = item.descriptor == directory;
      // Afterwards its number may stand for another directory.
      if (is_last) lane = Lane();
      lock.unlock();
      run(directory, item);
      lock.lock();
      done_ += 1;
      if (is_last) return;
      lane.outstanding -= item.weight();
      if (lane.items.empty()) {
        lane.is_taken = false;
        return;
      }
    }
    ready_.push_back(directory);
  }

  Mutex mutex_;
  uv_cond_t wake_;
  // By the descriptor of the directory.
  std::unordered_map<int, Lane> lanes_;
  std::deque<int> ready_;
  size_t threads_ = 0, working_ = 0, waiting_ = 0, done_ = 0;
  bool is_watched_ = false;
  // The last thread that has ended.
  std::optional<uv_thread_t> ended_;
};

}  // namespace

size_t remove_later(int directory, std::string name, bool is_directory) {
  return Disposal::instance().add(directory, {std::move(name), -1, is_directory});
}

size_t close_later(int directory, int descriptor) {
  return Disposal::instance().add(directory, {"", descriptor, false});
}

size_t outstanding(int directory) { return Disposal::instance().outstanding(directory); }

}  // namespace vgpu
