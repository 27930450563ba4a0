#include "sdk/client/crash_event.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "sdk/client/module_json.h"
#include "sdk/crash/crash_text.h"
#include "sdk/crash/late_modules.h"
#include "sdk/crash/registers.h"
#include "sdk/recorder/fields.h"

namespace trapline::sdk {
namespace {

bool has(const CrashBlock& block, CrashStage stage) {
  return (block.stages.load() & static_cast<std::uint32_t>(stage)) != 0;
}

const CrashBlock& block_of(const AbandonedRecorder& abandoned) {
  return *reinterpret_cast<const CrashBlock*>(abandoned.memory() + kCrashAt);
}

std::string_view area(const AbandonedRecorder& abandoned, std::size_t at, std::size_t used, std::size_t room) {
  return {abandoned.memory() + at, std::min(used, room)};
}

struct Note {
  bool has_exceptions = false;
  std::string_view last_words;
};
Note read_note(std::string_view rows) {
  Note note;
  FieldReader reader(rows);
  while (const auto field = reader.next()) {
    if (field->kind == FieldKind::kException) note.has_exceptions = true;
    if (field->kind == FieldKind::kLastWords) note.last_words = field->value;
  }
  return note;
}

/// The interrupted thread's stack; of a deep one its inner and its outer end.
std::vector<std::uint64_t> stack_of(const CrashBlock& block) {
  std::vector<std::uint64_t> stack(block.frames.begin(),
                                   block.frames.begin() + std::min<std::size_t>(block.frame_count, kCrashFrames));
  stack.insert(stack.end(), block.outer_frames.begin(),
               block.outer_frames.begin() + std::min<std::size_t>(block.outer_count, kCrashOuterFrames));
  return stack;
}

void add_threads(const AbandonedRecorder& abandoned, const CrashBlock& block, core::Event& event) {
  const auto* const threads = reinterpret_cast<const CrashThread*>(abandoned.memory() + kCrashThreadsAt);
  for (const CrashThread& thread : std::span(threads, std::min<std::size_t>(block.thread_count, kCrashThreads))) {
    const auto stack = stack_of(thread);
    event.threads.push_back({thread.id, name_of(thread.name), {stack.begin(), stack.end()}, {}});
  }
}

void add_signal(const CrashBlock& block, core::Event& event) {
  event.signal = {block.signal, block.code, signal_name(block.signal), signal_code_name(block.signal, block.code),
                  block.address};
  for (std::size_t index = 0; index < std::min<std::size_t>(block.register_count, kCrashRegisters); ++index) {
    if (*register_name(index) != '\0') event.registers.emplace_back(register_name(index), block.registers[index]);
  }
}

/// How many of the innermost calls come again and again; 0: none do.
std::size_t cycle_length(const std::vector<std::uintptr_t>& stack) {
  constexpr std::size_t kLongest = 32;
  constexpr std::size_t kTimes = 3;
  constexpr std::size_t kAtTop = 8;  // the last call may be of another function
  for (std::size_t from = 0; from < kAtTop; ++from) {
    for (std::size_t length = 1; length <= kLongest; ++length) {
      if (from + length * kTimes > stack.size()) break;
      bool repeats = true;
      for (std::size_t index = from; repeats && index < from + length * (kTimes - 1); ++index) {
        repeats = stack[index] == stack[index + length];
      }
      if (repeats) return length;
    }
  }
  return 0;
}

std::string function_at(const core::Event& event, std::uintptr_t address) {
  const auto found = std::find_if(event.frames.begin(), event.frames.end(),
                                  [&](const core::Frame& frame) { return frame.address == address; });
  return found == event.frames.end() || found->function.empty() ? "?" : std::string(found->function);
}

}  // namespace

PayloadWriter::PayloadWriter(const EventIdBytes& id, core::UnixMillis timestamp, std::uint64_t thread_id) {
  constexpr std::uint8_t kFatal = 4;
  EventHead head;
  head.id = id;
  head.timestamp = timestamp;
  head.thread_id = thread_id;
  head.level = kFatal;
  head.is_handled = 0;
  payload_.assign(reinterpret_cast<const char*>(&head), sizeof head);
}

void PayloadWriter::add(FieldKind kind, std::uint8_t detail, std::string_view key, std::string_view value) {
  const std::size_t at = payload_.size();
  payload_.resize(at + field_bytes(key.size(), value.size()));
  write_field(payload_.data() + at, kind, detail, key, value);
}

void PayloadWriter::add_stack(std::span<const std::uint64_t> frames) {
  add(FieldKind::kStack, 0, {}, {reinterpret_cast<const char*>(frames.data()), frames.size_bytes()});
}

void PayloadWriter::add_rows(std::string_view rows) {
  FieldReader reader(rows);
  while (const auto field = reader.next()) add(field->kind, field->detail, field->key, field->value);
}

std::unique_ptr<CrashEvent> PayloadWriter::decode() {
  auto event = std::make_unique<CrashEvent>();
  event->payload = std::move(payload_);
  return decode_event(event->payload, event->decoded) ? std::move(event) : nullptr;
}

EventIdBytes crash_event_id(const AbandonedRecorder& abandoned) { return block_of(abandoned).event_id; }

bool has_crash(const AbandonedRecorder& abandoned) {
  const CrashBlock& block = block_of(abandoned);
  return has(block, CrashStage::kSignal) || block.note_thread_id.load() != 0;
}

std::unique_ptr<CrashEvent> read_crash(const AbandonedRecorder& abandoned) {
  const CrashBlock& block = block_of(abandoned);
  if (!has_crash(abandoned) || block.state.load() == CrashState::kTaken) return nullptr;
  const bool has_signal = has(block, CrashStage::kSignal);
  const std::string_view note_rows = area(abandoned, kCrashNoteAt, block.note_bytes.load(), kCrashNoteBytes);
  const Note note = read_note(note_rows);

  PayloadWriter payload(block.event_id, block.timestamp, block.thread_id);
  const bool has_scope = has(block, CrashStage::kScope);
  payload.add_rows(has_scope ? area(abandoned, kCrashScopeAt, block.scope_bytes, kScopeBytes) : abandoned.scope());
  if (has_scope) payload.add_rows(area(abandoned, kCrashThreadScopeAt, block.thread_scope_bytes, kScopeBytes));
  payload.add_rows(has(block, CrashStage::kBreadcrumbs)
                       ? area(abandoned, kCrashBreadcrumbsAt, block.breadcrumb_bytes, kBreadcrumbBytes)
                       : std::string_view(abandoned.breadcrumbs()));
  payload.add(FieldKind::kThreadName, 0, {}, name_of(block.thread_name));
  const std::vector<std::uint64_t> stack = stack_of(block);
  if (!note.has_exceptions) {
    const CrashText words = describe_crash(block, note.last_words);
    payload.add(FieldKind::kException, 0, words.type, words.value);
    payload.add(FieldKind::kMechanism, 0, {}, "signalhandler");
    payload.add_stack(stack);
  } else {
    payload.add_rows(note_rows);
    payload.add(FieldKind::kMechanism, 0, {},
                block.kind.load() == CrashKind::kNoexcept ? "cpp_noexcept" : "cpp_terminate");
  }

  auto crash = payload.decode();
  if (!crash) return nullptr;
  crash->depth = block.depth;
  core::Event& event = crash->decoded.event;
  if (note.has_exceptions) {
    event.own_thread.raw_stack.assign(stack.begin(), stack.end());
  } else if (block.depth > stack.size()) {
    event.frames_omitted_after = std::min<std::size_t>(block.frame_count, kCrashFrames);
    event.frames_omitted = block.depth - stack.size();
  }
  if (has_signal) add_signal(block, event);
  if (has(block, CrashStage::kThreads)) add_threads(abandoned, block, event);
  return crash;
}

void name_crash(CrashEvent& crash, StackReader& stacks) {
  core::Event& event = crash.decoded.event;
  stacks.make_readable(event);
  if (event.exceptions.size() != 1 || event.exceptions[0].type != "Stack overflow") return;
  std::string value = "the stack of thread '" + std::string(event.thread_name) + "' is full, " +
                      std::to_string(crash.depth) + " calls deep";
  if (const std::size_t length = cycle_length(event.raw_stack)) {
    value += "; again and again: ";
    // The outer function first, as it calls the next. Past the innermost calls, which may be others.
    const std::size_t from = std::min(event.raw_stack.size() - length, std::size_t{2} * length);
    for (std::size_t index = length; index > 0; --index) {
      value += function_at(event, event.raw_stack[from + index - 1]);
      if (index > 1) value += " -> ";
    }
  }
  crash.decoded.owned.push_back(std::move(value));
  event.exceptions[0].value = crash.decoded.owned.back();
}

std::vector<core::Module> modules_at_end(const AbandonedRecorder& abandoned) {
  std::vector<core::Module> modules = parse_modules(abandoned.modules());
  const CrashBlock& block = block_of(abandoned);
  if (!has(block, CrashStage::kMaps)) return modules;
  add_late_modules(area(abandoned, kCrashMapsAt, block.maps_bytes, kCrashMapsBytes), modules);
  return modules;
}

}  // namespace trapline::sdk
