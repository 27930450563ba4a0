#pragma once

/// The threads that serve connections, one each at a time. They are started when first needed and have small stacks,
/// because most of them wait for idle clients most of the time.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include <pthread.h>

#include "collector/http/wake_signal.h"

namespace trapline::collector {

struct WorkerLimits {
  std::size_t max_threads = 512;
  std::size_t max_waiting = 1024;  ///< tasks without a thread; more are refused
};

/// Thread-safe, except for stop().
class WorkerPool {
 public:
  explicit WorkerPool(WorkerLimits limits);
  ~WorkerPool();  ///< stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs the task on a thread, at once or when one gets free. False when too many wait already. Tasks do not throw.
  bool submit(std::function<void()> task);

  /// Holds one for every task that waits without a thread to come: whoever takes one, and only keeps a thread idle,
  /// should give it up.
  WakeSignal& wanted() { return wanted_; }

  /// Lets running and waiting tasks finish, and joins the threads. Nothing may be submitted any more.
  void stop();

 private:
  static void* thread_main(void* pool);
  void run();
  bool start_thread();

  const WorkerLimits limits_;
  WakeSignal wanted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<pthread_t> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace trapline::collector
