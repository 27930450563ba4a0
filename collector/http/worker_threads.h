#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <pthread.h>

namespace trapline::collector {

/// A fixed number of threads that do jobs in the order in which they come, and a bounded queue before them. Their
/// stacks are small: a hundred of them are a few megabytes of memory. Thread-safe.
class WorkerThreads {
 public:
  using Job = std::function<void()>;

  /// `name` is what the system shows the threads as, 15 characters at most. Jobs do not throw.
  WorkerThreads(const std::string& name, std::size_t threads, std::size_t max_waiting);
  ~WorkerThreads();  ///< stop()
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  /// False when the queue is full, or after stop().
  bool add(Job job);

  /// Lets the jobs that wait be done, and joins the threads.
  void stop();

 private:
  void run();

  std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;  ///< guarded by mutex_, as the next
  bool is_stopping_ = false;
  std::vector<pthread_t> threads_;
};

}  // namespace trapline::collector
