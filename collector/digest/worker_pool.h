#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace trapline::collector {

/// A few threads that share out a list of like pieces of work. One for_each() at a time.
class WorkerPool {
 public:
  /// `threads` counts the caller of for_each(): with 1 there is no other.
  explicit WorkerPool(unsigned threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Calls `work` with every index below `count`, in no order, and returns when all calls have. `work` must not throw.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  void run();
  /// Takes pieces until none is left.
  void take_pieces(const std::function<void(std::size_t)>& work, std::size_t count);

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(std::size_t)>* work_ = nullptr;  ///< guarded by mutex_, as the next four
  std::size_t count_ = 0;
  std::size_t round_ = 0;
  std::size_t busy_ = 0;
  bool is_stopping_ = false;
  std::atomic<std::size_t> next_{0};
  std::vector<std::thread> threads_;
};

}  // namespace trapline::collector
