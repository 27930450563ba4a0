#include "sdk/crash/terminate_handler.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <span>
#include <string_view>
#include <typeinfo>

#include <cxxabi.h>
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/core/clock.h"
#include "sdk/crash/posix/crash_site.h"
#include "sdk/crash/posix/last_words.h"
#include "sdk/crash/posix/orphan_recorder.h"
#include "sdk/crash/posix/proc_file.h"
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

/// Whether one of the functions that called std::terminate() has that name.
bool is_called_by(std::span<const std::uintptr_t> stack, std::string_view name) {
  constexpr std::size_t kNear = 6;
  for (const std::uintptr_t address : stack.first(std::min(stack.size(), kNear))) {
    Dl_info info{};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
    const bool is_known = dladdr(reinterpret_cast<void*>(address - 1), &info) != 0 && info.dli_sname != nullptr;
    if (is_known && name == info.dli_sname) return true;
  }
  return false;
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
  } else if (is_called_by(own, "__gxx_personality_v0") || is_called_by(own, "__cxa_call_terminate")) {
    kind = CrashKind::kNoexcept;
  }
  CrashBlock& block = area.block();
  block.kind.store(kind);
  // Should nobody abort() after this, the report has to do with what is here.
  block.timestamp = core::system_clock().unix_millis();
  block.thread_id = static_cast<std::uint64_t>(syscall(SYS_gettid));
  block.pid = static_cast<std::uint32_t>(getpid());
  prctl(PR_GET_NAME, block.thread_name.data());
  block.maps_bytes = static_cast<std::uint32_t>(copy_module_maps(area.at(kCrashMapsAt), kCrashMapsBytes));
  block.stages.fetch_or(static_cast<std::uint32_t>(CrashStage::kMaps));
  std::array<std::uintptr_t, kThrowFrames> thrown{};
  const std::size_t count = type != nullptr ? find_throw_stack_of_current(type->name(), thrown) : 0;
  note_stack(area, count > 0 ? std::span<const std::uintptr_t>(thrown).first(count) : own);
  note_active_exceptions(area);
}

/// Several threads may terminate at once: one reports, the others must not end the process before it has.
void wait_for_the_end() {
  constexpr int kTries = 300;
  constexpr long kPauseNs = 10'000'000;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const timespec pause{0, kPauseNs};
    nanosleep(&pause, nullptr);
  }
}

[[noreturn]] void on_terminate() {
  char* const memory = is_installed.load() ? own_crash_memory() : nullptr;
  if (memory != nullptr) {
    const CrashArea area(memory);
    std::uint64_t nobody = 0;
    const auto self = static_cast<std::uint64_t>(syscall(SYS_gettid));
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
