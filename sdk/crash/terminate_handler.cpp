#include "sdk/crash/terminate_handler.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <string_view>
#include <thread>
#include <typeinfo>

#include <cxxabi.h>

#include "sdk/core/clock.h"
#include "sdk/core/this_thread.h"
#include "sdk/crash/crash_note.h"
#include "sdk/recorder/fields.h"
#include "sdk/stack/stack_trace.h"
#include "sdk/stack/throw_hook.h"

namespace trapline::sdk {
namespace {

constexpr int kMostNested = 50;
constexpr std::size_t kLongestText = 2'048;
constexpr std::string_view kForeign = "an exception that is not a std::exception";

std::atomic<std::terminate_handler> previous{nullptr};
std::atomic<bool> is_installed{false};

/// A row for the note, on the stack: there may be no memory left.
void note(const CrashArea& area, FieldKind kind, std::uint8_t detail, std::string_view key, std::string_view value) {
  std::array<char, field_bytes(kLongestText, kLongestText)> row;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const std::size_t bytes =
      write_field(row.data(), kind, detail, key.substr(0, kLongestText), value.substr(0, kLongestText));
  add_to_note(area, {row.data(), bytes});
}

void note_exception(const CrashArea& area, const std::exception& error, int depth) {
  note(area, FieldKind::kException, 1, typeid(error).name(), error.what());
  if (depth == kMostNested) return;
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& nested) {
    note_exception(area, nested, depth + 1);
  } catch (...) {
    note(area, FieldKind::kException, 0, "unknown", kForeign);
  }
}

/// The exception that is being handled, if there is one, then its causes.
void note_active_exceptions(const CrashArea& area) {
  const std::exception_ptr active = std::current_exception();
  if (!active) return;
  const std::type_info* type = abi::__cxa_current_exception_type();
  try {
    std::rethrow_exception(active);
  } catch (const std::exception& error) {
    note_exception(area, error, 1);
  } catch (...) {  // an int, a text: only its type is known
    note(area, FieldKind::kException, type != nullptr ? 1 : 0, type != nullptr ? type->name() : "unknown", kForeign);
  }
}

void note_stack(const CrashArea& area, std::span<const std::uintptr_t> stack) {
  note(area, FieldKind::kStack, 0, {}, {reinterpret_cast<const char*>(stack.data()), stack.size_bytes()});
}

/// Whether one of the functions that called std::terminate() is that one.
bool is_called_by(std::span<const std::uintptr_t> stack, std::string_view name) {
  constexpr std::size_t kNear = 6;
  const auto near = stack.first(std::min(stack.size(), kNear));
  return std::any_of(near.begin(), near.end(), [&](std::uintptr_t address) { return is_in_function(address, name); });
}

void note_termination(const CrashArea& area, const void* caller) {
  std::array<std::uintptr_t, kThrowFrames> stack{};
  const auto own = std::span(stack).first(capture_stack(caller, stack));
  const std::type_info* const type = abi::__cxa_current_exception_type();
  CrashKind kind = CrashKind::kUncaught;
  if (is_called_by(own, "__cxa_pure_virtual")) {
    kind = CrashKind::kPureVirtual;
  } else if (type == nullptr) {
    kind = CrashKind::kTerminate;
  } else if (is_called_by(own, "__gxx_personality_v0") || is_called_by(own, "__cxa_call_terminate") ||
             is_called_by(own, "__clang_call_terminate")) {
    kind = CrashKind::kNoexcept;
  }
  CrashBlock& block = area.block();
  block.kind.store(kind);
  // Should nobody abort() after this, the report has to do with what is here.
  block.timestamp = core::system_clock().unix_millis();
  identify_thread(block);
  block.maps_bytes = static_cast<std::uint32_t>(copy_module_maps(area.at(kCrashMapsAt), kCrashMapsBytes));
  block.stages.fetch_or(static_cast<std::uint32_t>(CrashStage::kMaps));
  std::array<std::uintptr_t, kThrowFrames> thrown{};
  const std::size_t count = type != nullptr ? find_throw_stack_of_current(type->name(), thrown) : 0;
  note_stack(area, count > 0 ? std::span<const std::uintptr_t>(thrown).first(count) : own);
  note_active_exceptions(area);
}

/// Several threads may terminate at once: one reports, the others must not end the process before it has.
void wait_for_the_end() { std::this_thread::sleep_for(std::chrono::seconds(3)); }

[[noreturn]] void on_terminate() {
  char* const memory = is_installed.load() ? own_crash_memory() : nullptr;
  if (memory != nullptr) {
    const CrashArea area(memory);
    std::uint64_t nobody = 0;
    const std::uint64_t self = core::this_thread::id();
    if (area.block().note_thread_id.compare_exchange_strong(nobody, self)) {
      note_termination(area, __builtin_return_address(0));
    } else if (nobody != self) {
      wait_for_the_end();
    }
  }
  if (const std::terminate_handler handler = previous.load()) handler();
  std::abort();
}

}  // namespace

void install_terminate_handler() {
  const std::terminate_handler current = std::set_terminate(on_terminate);
  if (current != on_terminate) previous.store(current);
  is_installed.store(true);
}

void remove_terminate_handler() {
  is_installed.store(false);
  if (std::get_terminate() == on_terminate) std::set_terminate(previous.load());
}

}  // namespace trapline::sdk
