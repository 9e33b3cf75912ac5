// A thread that runs one task after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace vgpu {

// The thread is detached: a task may hang with the device, and then joining would hang, too. It owns its
// queue, and ends when this object is gone and no task is left.
class TaskThread {
 public:
  using Task = std::function<void()>;

  TaskThread();
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  // Tasks must not throw.
  void post(Task task);

 private:
  struct Queue {
    std::mutex mutex;
    std::condition_variable has_changed;
    std::deque<Task> tasks;
    bool is_closed = false;
  };

  static void run(const std::shared_ptr<Queue>& queue);

  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
};

}  // namespace vgpu
