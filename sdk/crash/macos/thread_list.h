#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <mach/mach.h>

namespace trapline::sdk {

/// The threads that the process has now. No lock, no memory of the C library's: the kernel makes the list.
class ThreadList {
 public:
  ThreadList();
  ~ThreadList();
  ThreadList(const ThreadList&) = delete;
  ThreadList& operator=(const ThreadList&) = delete;

  [[nodiscard]] std::span<const thread_t> all() const { return {threads_, count_}; }
  [[nodiscard]] thread_t self() const { return self_; }

 private:
  thread_act_array_t threads_ = nullptr;
  mach_msg_type_number_t count_ = 0;
  thread_t self_;
};

/// All threads but the calling one stand still while this lives: what they hold may be read, but whoever takes a lock
/// waits for ever.
class StoppedThreads {
 public:
  StoppedThreads();
  ~StoppedThreads();
  StoppedThreads(const StoppedThreads&) = delete;
  StoppedThreads& operator=(const StoppedThreads&) = delete;

 private:
  ThreadList list_;
};

/// As core::this_thread::id() counts; 0: the thread has ended.
std::uint64_t id_of(thread_t thread);

/// Cut off where it is longer. The thread library is not asked: its list has a lock.
void read_name(thread_t thread, std::array<char, 16>& name);

}  // namespace trapline::sdk
