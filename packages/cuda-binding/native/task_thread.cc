#include "task_thread.h"

#include <thread>
#include <utility>

#include "condition.h"

namespace vgpu {

TaskThread::TaskThread() {
  std::thread([queue = queue_] { run(queue); }).detach();
}

TaskThread::~TaskThread() {
  const std::lock_guard<std::mutex> lock(queue_->mutex);
  queue_->is_closed = true;
  queue_->has_changed.notify_one();
}

void TaskThread::post(Task task) {
  const std::lock_guard<std::mutex> lock(queue_->mutex);
  queue_->tasks.push_back(std::move(task));
  queue_->has_changed.notify_one();
}

void TaskThread::run(const std::shared_ptr<Queue>& queue) {
  for (;;) {
    Task task;
    {
      std::unique_lock<std::mutex> lock(queue->mutex);
      while (queue->tasks.empty() && !queue->is_closed) wait(queue->has_changed, lock);
      if (queue->tasks.empty()) return;
      task = std::move(queue->tasks.front());
      queue->tasks.pop_front();
    }
    task();
  }
}

}  // namespace vgpu
