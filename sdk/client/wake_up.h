#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace trapline::sdk {

/// Lets one thread sleep until another has work for it. Telling it costs a load while it is awake and one system call
/// when it sleeps; there is no lock that a caller could wait for.
class WakeUp {
 public:
  /// Any thread.
  void signal() {
    // Sequentially consistent: the work was made visible before this load, and the sleeper looks for work after its
    // store; one of the two sees the other.
    if (state_.load(std::memory_order_seq_cst) != kAwake) wake();
  }
  /// Wakes also a thread that only naps.
  void signal_urgent() { wake(); }

  /// The one thread. Call prepare_to_sleep(), look for work once more, then sleep() or stay_awake(). sleep() answers
  /// false when the time was up.
  void prepare_to_sleep() { state_.store(kAsleep, std::memory_order_seq_cst); }
  void stay_awake() { state_.store(kAwake, std::memory_order_seq_cst); }
  bool sleep(std::chrono::milliseconds at_most);

  /// Sleeps without being told of ordinary work: signal() costs the others nothing meanwhile. Ends early for
  /// signal_urgent().
  void nap(std::chrono::milliseconds at_most);

 private:
  static constexpr std::uint32_t kAwake = 0;
  static constexpr std::uint32_t kAsleep = 1;

  void wake();
  /// Waits while the word has the value: what the system has for that (a futex, WaitOnAddress).
  static void wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::milliseconds at_most);
  static void wake_one(std::atomic<std::uint32_t>& word);

  std::atomic<std::uint32_t> state_{kAwake};
  std::atomic<std::uint32_t> urgent_{0};  ///< what the thread sleeps on
};

}  // namespace trapline::sdk
