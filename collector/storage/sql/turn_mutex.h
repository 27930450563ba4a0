#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace trapline::collector::sql {

/// A mutex that is had in the order of asking: a thread that takes it again and again, as digestion does, does not keep
/// it from those who want it once. For work of milliseconds: all who wait wake up when one is done.
class TurnMutex {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const std::uint64_t turn = next_turn_++;
    turns_.wait(lock, [&] { return turn == turn_; });
  }

  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++turn_;
    }
    turns_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turns_;
  std::uint64_t next_turn_ = 0;  ///< guarded by mutex_, as the next one
  std::uint64_t turn_ = 0;       ///< who has it, or will have it next
};

}  // namespace trapline::collector::sql
