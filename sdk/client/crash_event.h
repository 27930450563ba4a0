#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/client/event_decoder.h"
#include "sdk/core/event.h"
#include "sdk/recorder/event_record.h"
#include "sdk/recorder/fields.h"
#include "sdk/recorder/recorder.h"
#include "sdk/stack/readable_stack.h"

namespace trapline::sdk {

/// The crash that a process which is gone left in its recorder, as an event.
struct CrashEvent {
  std::string payload;  ///< the event borrows from it
  DecodedEvent decoded;
  std::uint64_t depth = 0;  ///< of the crashed thread's stack, also where not all of it is in the event
};

/// Writes what makes the event of a process's end.
class PayloadWriter {
 public:
  /// `thread_id` 0: none in particular.
  PayloadWriter(const EventIdBytes& id, core::UnixMillis timestamp, std::uint64_t thread_id);

  void add(FieldKind kind, std::uint8_t detail, std::string_view key, std::string_view value);
  void add_stack(std::span<const std::uint64_t> frames);
  /// Only whole fields, so that what comes after them is found.
  void add_rows(std::string_view rows);
  /// The event; nothing when it is none.
  std::unique_ptr<CrashEvent> decode();

 private:
  std::string payload_;
};

/// The event that the crash of a process is, or its end without a word.
EventIdBytes crash_event_id(const AbandonedRecorder& abandoned);

bool has_crash(const AbandonedRecorder& abandoned);

/// Nothing when the process did not crash. Whatever the file holds: it may be damaged.
std::unique_ptr<CrashEvent> read_crash(const AbandonedRecorder& abandoned);

/// Names the crash by what its stack shows, once that is readable: the functions that an overflowing stack repeats.
void name_crash(CrashEvent& crash, StackReader& stacks);

/// The modules of the process: those it had listed, and those it has loaded since, as the crash handler saw them.
std::vector<core::Module> modules_at_end(const AbandonedRecorder& abandoned);

}  // namespace trapline::sdk
