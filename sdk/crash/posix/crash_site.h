#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <sys/types.h>

#include "sdk/crash/crash_area.h"
#include "sdk/crash/crash_handler.h"
#include "sdk/crash/posix/known_file.h"

namespace trapline::sdk {

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

}  // namespace trapline::sdk
