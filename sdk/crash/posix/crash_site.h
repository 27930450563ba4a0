#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sys/types.h>

#include "sdk/crash/posix/known_file.h"
#include "sdk/recorder/layout.h"

namespace trapline::sdk {

/// Copies the calling thread's scopes to where `room` bytes are and answers how many they were; async-signal-safe. The
/// room above (client/) says how.
using CopyThreadScopes = std::size_t (*)(char* to, std::size_t room);

/// What a crash handler finds when it is called: plain memory, filled in before.
struct CrashSite {
  std::atomic<char*> memory{nullptr};         ///< the recorder's mapping; nullptr: there is none to write into
  std::atomic<pid_t> owner{0};                ///< whose recorder it is: not the child's of a fork
  std::atomic<char*> orphan_memory{nullptr};  ///< of a child that has crashed before it called the SDK …
  std::atomic<pid_t> orphan_owner{0};         ///< … which is that one (and may share this memory: vfork)
  std::array<char, 4096> folder{};            ///< where recorders are; "": the recorder is in memory only
  std::array<char, 32> run_id{};              ///< of the recorder
  std::atomic<bool> is_allowed{true};         ///< false: the user has not consented to reports
  KnownFile helper;                           ///< the socket of the helper process
  std::atomic<pid_t> helper_pid{0};
  std::atomic<CopyThreadScopes> copy_thread_scopes{nullptr};
  std::atomic<const std::uintptr_t*> abort_message{nullptr};  ///< see last_words.h
  std::atomic<pid_t> crashing_thread{0};                      ///< the first one; 0: nothing has happened
};

CrashSite& crash_site();

/// The areas of a recorder that belong to a crash.
class CrashArea {
 public:
  explicit CrashArea(char* memory) : memory_(memory) {}

  [[nodiscard]] RecorderHeader& header() const { return *reinterpret_cast<RecorderHeader*>(memory_); }
  [[nodiscard]] CrashBlock& block() const { return *reinterpret_cast<CrashBlock*>(memory_ + kCrashAt); }
  [[nodiscard]] CrashThread* threads() const { return reinterpret_cast<CrashThread*>(memory_ + kCrashThreadsAt); }
  [[nodiscard]] char* at(std::size_t place) const { return memory_ + place; }

 private:
  char* memory_;
};

}  // namespace trapline::sdk
