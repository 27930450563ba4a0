#pragma once

/// The recorder's file, page by page. A fixed header, then areas whose places the header names.
///
///     header        what the file is, counters, the ring's head and tail, the session
///     repeats       the table of errors that repeat (sdk/client/repeat_table.h keeps it)
///     facts         JSON about the machine and the process, for whoever reads the file later
///     modules       JSON about the process's modules
///     scope         the global scope, twice: one copy is in force while the other is written
///     breadcrumbs   the ring of breadcrumbs
///     crash         what the crash handler writes (crash_record.h)
///     events        the ring of records (event_ring.h)

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "sdk/recorder/crash_record.h"
#include "sdk/recorder/event_ring.h"
#include "sdk/recorder/ledger.h"

namespace trapline::sdk {

constexpr std::uint64_t kRecorderMagic = 0x31524344'524C5054;  // "TPLRDCR1"
constexpr std::uint32_t kRecorderVersion = 2;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRepeatBytes = 4 * kPage;
constexpr std::size_t kFactsBytes = 4 * kPage;
constexpr std::size_t kModulesBytes = 32 * kPage;
constexpr std::size_t kScopeBytes = 8 * kPage;  ///< of each of the two copies
constexpr std::size_t kBreadcrumbBytes = 32 * kPage;
constexpr std::size_t kHeaderBytes = kPage;

constexpr std::size_t kRepeatsAt = kHeaderBytes;
constexpr std::size_t kFactsAt = kRepeatsAt + kRepeatBytes;
constexpr std::size_t kModulesAt = kFactsAt + kFactsBytes;
constexpr std::size_t kScopeAt = kModulesAt + kModulesBytes;
constexpr std::size_t kBreadcrumbsAt = kScopeAt + 2 * kScopeBytes;
constexpr std::size_t kCrashAt = kBreadcrumbsAt + kBreadcrumbBytes;

constexpr std::size_t kCrashBlockBytes = 2 * kPage;
constexpr std::size_t kCrashNoteBytes = 8 * kPage;
constexpr std::size_t kCrashMapsBytes = 32 * kPage;
constexpr std::size_t kCrashStackBytes = 16 * kPage;
constexpr std::size_t kCrashNoteAt = kCrashAt + kCrashBlockBytes;
constexpr std::size_t kCrashScopeAt = kCrashNoteAt + kCrashNoteBytes;
constexpr std::size_t kCrashThreadScopeAt = kCrashScopeAt + kScopeBytes;
constexpr std::size_t kCrashBreadcrumbsAt = kCrashThreadScopeAt + kScopeBytes;
constexpr std::size_t kCrashMapsAt = kCrashBreadcrumbsAt + kBreadcrumbBytes;
constexpr std::size_t kCrashThreadsAt = kCrashMapsAt + kCrashMapsBytes;
constexpr std::size_t kCrashStackAt = kCrashThreadsAt + kCrashThreads * sizeof(CrashThread);
static_assert(sizeof(CrashBlock) <= kCrashBlockBytes);

constexpr std::size_t kEventsAt = kCrashStackAt + kCrashStackBytes;
constexpr std::size_t kSmallestRecorder = kEventsAt + 64 * kPage;

/// How the process's session stands, for release health. `state` is written last.
struct SessionBlock {
  std::atomic<std::uint32_t> state;  ///< 0: none; 1: open
  std::atomic<std::uint32_t> errors;
  std::int64_t started;  ///< Unix milliseconds
  std::array<char, 36> id;
};

/// By what the next start tells how a process ended that has said nothing. Times are Unix milliseconds, 0: never.
struct LifeSigns {
  std::atomic<std::int64_t> last_look;      ///< when this was last brought up to date
  std::atomic<std::int64_t> heartbeat;      ///< trapline_heartbeat()
  std::atomic<std::int64_t> hang_timeout;   ///< milliseconds without one that are a hang; 0: nobody watches
  std::atomic<std::int32_t> end_signal;     ///< the process was asked to end by it: SIGTERM and the like
  std::atomic<std::int32_t> reports_end;    ///< not 0: an end without a word is worth an event
  std::atomic<std::uint64_t> oom_kills;     ///< in the process's cgroup, at its start …
  std::atomic<std::uint64_t> memory_group;  ///< … which is this one; 0: not known
  std::atomic<std::uint64_t> resident_bytes;
  std::atomic<std::uint64_t> open_files;
  std::atomic<std::uint64_t> threads;
  std::array<char, 40> boot_id;
};

/// A text of up to the area's size, replaced as a whole: the length is 0 while it is written.
struct TextArea {
  std::atomic<std::uint32_t> length;
  std::uint32_t unused;
  std::uint64_t checksum;
};

struct RecorderHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t pid;
  std::uint64_t file_bytes;
  std::int64_t created;         ///< Unix milliseconds
  std::array<char, 32> run_id;  ///< hex, without NUL: names the process's run, also in the offline buffer
  std::uint64_t checksum;       ///< of everything above

  std::atomic<std::uint32_t> scope_in_force;  ///< which of the two copies
  std::array<std::atomic<std::uint32_t>, 2> scope_length;
  std::atomic<std::uint64_t> breadcrumbs_begin;
  std::atomic<std::uint64_t> breadcrumbs_end;
  TextArea facts;
  TextArea modules;
  SessionBlock session;
  LifeSigns life;
  std::atomic<std::uint32_t> recoveries;  ///< how often somebody has begun to take over what is in here
  LedgerCounters ledger;
  alignas(64) RingControl ring;
};
static_assert(sizeof(RecorderHeader) <= kHeaderBytes);

}  // namespace trapline::sdk
