#pragma once

/// What a crash handler leaves in the recorder, for whoever reads the file later. A block of plain numbers, then areas
/// of bytes whose used lengths the block names. The handler fills it in stages; each is whole once its bit is set, so
/// that a handler that crashes itself still leaves what it had.
///
///     block         the signal, the registers, the crashed thread's stack
///     note          a row of fields: the exceptions that nobody caught, the C library's last words
///     scope         the process's scope as it was at that instant
///     thread scope  the crashed thread's scopes
///     breadcrumbs   as they were
///     maps          lines of /proc/self/maps: libraries that were loaded since the list of modules was written
///     threads       the other threads and their stacks
///     stack         memory around the stack pointer

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "sdk/core/clock.h"
#include "sdk/recorder/event_record.h"

namespace trapline::sdk {

enum class CrashState : std::uint32_t {
  kNone = 0,
  kBegun = 1,     ///< the process died before the handler was done, or is dying now
  kWhole = 2,     ///< everything there is to know
  kCutShort = 3,  ///< the handler crashed itself; the stages say what is there
  kTaken = 4,     ///< somebody has delivered it, and left the rest of the recorder to another
};

/// What the handler has done.
enum class CrashStage : std::uint32_t {
  kSignal = 1,
  kStack = 2,
  kScope = 4,
  kBreadcrumbs = 8,
  kMaps = 16,
  kStackMemory = 32,
  kThreads = 64,
};

/// What ended the process, as far as it is known on the spot.
enum class CrashKind : std::uint32_t {
  kSignal = 0,
  kUncaught = 1,     ///< an exception that nobody catches
  kNoexcept = 2,     ///< an exception that left a noexcept function or a destructor
  kPureVirtual = 3,  ///< a pure virtual function was called
  kTerminate = 4,    ///< std::terminate() without an exception
};

constexpr std::size_t kCrashFrames = 256;      ///< innermost
constexpr std::size_t kCrashOuterFrames = 32;  ///< outermost, of a stack that is deeper
constexpr std::size_t kCrashThreads = 128;
constexpr std::size_t kCrashThreadFrames = 60;
constexpr std::size_t kCrashRegisters = 40;

/// Addresses in stacks are one past the instruction they mean, as return addresses are.
struct CrashThread {
  enum State : std::uint32_t { kUnused = 0, kAsked = 1, kWhole = 2 };
  std::uint64_t id;
  std::array<char, 16> name;  ///< the kernel's limit
  std::atomic<std::uint32_t> state;
  std::uint32_t frame_count;
  std::array<std::uint64_t, kCrashThreadFrames> frames;  ///< innermost first
};
static_assert(sizeof(CrashThread) == 512);

inline std::string_view name_of(const std::array<char, 16>& name) {
  return {name.data(), strnlen(name.data(), name.size())};
}

/// Empty when the thread has not answered.
inline std::span<const std::uint64_t> stack_of(const CrashThread& thread) {
  const bool has_stack = thread.state.load(std::memory_order_acquire) == CrashThread::kWhole;
  const std::size_t frames = thread.frame_count < kCrashThreadFrames ? thread.frame_count : kCrashThreadFrames;
  return std::span(thread.frames).first(has_stack ? frames : 0);
}

struct CrashBlock {
  std::atomic<CrashState> state;
  std::atomic<std::uint32_t> stages;  ///< bits of CrashStage
  EventIdBytes event_id;  ///< given when the recorder is made: the crash is this event, however often it is read
  core::UnixMillis timestamp;
  std::uint64_t thread_id;
  std::array<char, 16> thread_name;
  std::uint32_t pid;

  std::int32_t signal;  ///< 0: none came (yet)
  std::int32_t code;    ///< siginfo's si_code
  std::int32_t sender_pid;
  std::uint32_t sender_uid;
  std::int32_t nested_signal;  ///< of a crash inside the handler
  std::uint64_t address;       ///< siginfo's si_addr
  std::uint64_t access;        ///< the processor's error code of a page fault, 0: not known
  std::uint32_t register_count;
  std::uint32_t is_stack_overflow;
  std::array<std::uint64_t, kCrashRegisters> registers;  ///< in the order of crash_machine.h

  std::uint64_t depth;  ///< frames in all
  std::uint32_t frame_count;
  std::uint32_t outer_count;
  std::array<std::uint64_t, kCrashFrames> frames;             ///< innermost first
  std::array<std::uint64_t, kCrashOuterFrames> outer_frames;  ///< the last ones, innermost first

  std::atomic<CrashKind> kind;
  std::atomic<std::uint64_t> note_thread_id;  ///< whose std::terminate() wrote the note
  std::atomic<std::uint32_t> note_bytes;
  std::uint32_t scope_bytes;
  std::uint32_t thread_scope_bytes;
  std::uint32_t breadcrumb_bytes;
  std::uint32_t maps_bytes;
  std::uint32_t stack_bytes;
  std::uint64_t stack_address;  ///< of the first byte of the stack area
  std::uint64_t stack_begin;    ///< where the stack's mapping begins and ends; 0: not known
  std::uint64_t stack_end;
  std::uint32_t thread_count;
  std::uint32_t handler_us;  ///< how long the handler took
};

}  // namespace trapline::sdk
