#include "disposal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace vgpu {
namespace {

// A directory for which a thread is held up for so long has that thread for itself.
constexpr auto kPatience = std::chrono::milliseconds(10);
// What comes within this time is done together: to wake a thread for each request, and the event loop
// by what inotify tells of each removal, would take time from serving.
constexpr auto kGathering = std::chrono::milliseconds(1);
// So many directories can hold up their thread before others wait for theirs.
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

class Disposal {
 public:
  // Never destroyed: threads may be at work when the process ends.
  static Disposal& instance() {
    static auto* disposal = new Disposal();
    return *disposal;
  }

  size_t add(int directory, Item item) {
    std::unique_lock<std::mutex> lock(mutex_);
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
      wake_.notify_one();
    }
    return lane.outstanding;
  }

  size_t outstanding(int directory) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = lanes_.find(directory);
    return found == lanes_.end() ? 0 : found->second.outstanding;
  }

 private:
  // The mutex is held. False if the limit of threads is reached.
  bool start() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // Signals are for the threads of Node.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const bool is_started = pthread_create(&thread, &attributes, work, this) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    threads_ += is_started ? 1 : 0;
    return is_started;
  }

  static void* work(void* data) {
    pthread_setname_np(pthread_self(), "vgpu-disposal");
    auto* disposal = static_cast<Disposal*>(data);
    std::unique_lock<std::mutex> lock(disposal->mutex_);
    while (disposal->wait_for_turn(lock)) {
      disposal->working_ += 1;
      lock.unlock();
      std::this_thread::sleep_for(kGathering);
      lock.lock();
      disposal->take_turns(lock);
      disposal->working_ -= 1;
    }
    disposal->threads_ -= 1;
    return nullptr;
  }

  // Waits until something is ready and nobody works on it: all who work are held up. While somebody works,
  // one of those who wait watches whether that goes on. False if this thread is one too many.
  bool wait_for_turn(std::unique_lock<std::mutex>& lock) {
    waiting_ += 1;
    bool is_due = !ready_.empty() && working_ == 0;
    while (!is_due && waiting_ <= kWaiting) {
      bool is_stalled = false;
      if (ready_.empty() || is_watched_) {
        wake_.wait(lock);
      } else {
        const size_t before = done_;
        is_watched_ = true;
        const auto waited = wake_.wait_for(lock, kPatience);
        is_watched_ = false;
        is_stalled = waited == std::cv_status::timeout && done_ == before;
      }
      is_due = !ready_.empty() && (working_ == 0 || is_stalled);
    }
    waiting_ -= 1;
    // Another one watches from now on: this thread, too, may be held up.
    if (is_due && waiting_ > 0) wake_.notify_one();
    return is_due;
  }

  void take_turns(std::unique_lock<std::mutex>& lock) {
    while (!ready_.empty()) {
      const int directory = ready_.front();
      ready_.pop_front();
      if (waiting_ == 0 && threads_ < kMaxThreads) start();
      take_turn(lock, directory);
    }
  }

  void take_turn(std::unique_lock<std::mutex>& lock, int directory) {
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

  std::mutex mutex_;
  std::condition_variable wake_;
  // By the descriptor of the directory.
  std::unordered_map<int, Lane> lanes_;
  std::deque<int> ready_;
  size_t threads_ = 0, working_ = 0, waiting_ = 0, done_ = 0;
  bool is_watched_ = false;
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
