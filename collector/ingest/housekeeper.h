#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trapline::collector {

/// A thread that does small chores again and again, and once more at the end. Thread-safe.
class Housekeeper {
 public:
  using Chore = std::function<void()>;

  Housekeeper(std::vector<Chore> chores, std::chrono::milliseconds interval);
  ~Housekeeper();  ///< stop()
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  /// Does the chores a last time and joins the thread.
  void stop();

 private:
  void run();

  std::vector<Chore> chores_;
  std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace trapline::collector
