#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace trapline::collector {

/// Hands values from one thread to another, one at a time: the giver waits until its value is taken, so that no more
/// than one is ready while another is being worked on. Thread-safe.
template <class Value>
class HandOver {
 public:
  /// Waits until the value is taken; false when it was close()d: then the value is gone.
  bool give(Value value) {
    std::unique_lock lock(mutex_);
    if (is_closed_) return false;
    value_ = std::move(value);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !value_ || is_closed_; });
    return !value_;
  }
  /// Waits for a value; nothing when it was close()d and none is left.
  std::optional<Value> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return value_ || is_closed_; });
    std::optional<Value> taken = std::move(value_);
    value_.reset();
    changed_.notify_all();
    return taken;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Value> value_;  ///< given and not yet taken
  bool is_closed_ = false;
};

}  // namespace trapline::collector
