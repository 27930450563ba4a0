/// What the system and the C library call when the process crashes.

#include <csignal>
#include <cstdlib>

#include "sdk/core/clock.h"
#include "sdk/crash/alternate_stack.h"
#include "sdk/crash/crash_copies.h"
#include "sdk/crash/crash_handler.h"
#include "sdk/crash/crash_note.h"
#include "sdk/crash/windows/crash_site.h"
#include "sdk/crash/windows/crash_thread.h"
#include "sdk/crash/windows/guarded.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {
namespace {

/// What GCC's and clang's C++ throws are to the system (libgcc's unwind-seh.c): throw, unwind, forced unwind.
constexpr DWORD kGccThrow = 0x20474343;
constexpr DWORD kGccForcedUnwind = 0x22474343;
constexpr DWORD kHeapCorruption = 0xC0000374;
constexpr DWORD kInvalidParameter = 0xC0000417;  // STATUS_INVALID_CRUNTIME_PARAMETER
constexpr DWORD kPureCall = 0xE0545043;          // ours: Microsoft's C++ library has no exception for it

using AbortHandler = void (*)(int);

/// Who was there before us.
struct Earlier {
  LPTOP_LEVEL_EXCEPTION_FILTER filter = nullptr;
  AbortHandler abort = SIG_DFL;
  _invalid_parameter_handler invalid_parameter = nullptr;
  _purecall_handler pure_call = nullptr;
  PVOID first_handler = nullptr;
  bool is_installed = false;
};
Earlier earlier;

/// Another thread crashes already: the process is about to end.
void wait_for_the_end() {
  constexpr int kTries = 300;
  for (int attempt = 0; attempt < kTries && crash_site().crashing_thread.load() != 0; ++attempt) Sleep(10);
}

/// The same crash comes by here twice: first when it happens, then when nobody has handled it.
bool is_written(const CrashBlock& block, std::int32_t code) {
  return block.state.load() != CrashState::kNone && crash_site().is_dying.load() && block.signal == code &&
         block.thread_id == GetCurrentThreadId();
}

void respond_to_crash(const CaughtException& caught) {
  char* const memory = own_crash_memory();
  if (memory == nullptr) return;
  CrashSite& site = crash_site();
  DWORD nobody = 0;
  if (!site.crashing_thread.compare_exchange_strong(nobody, GetCurrentThreadId())) {
    if (nobody != GetCurrentThreadId()) wait_for_the_end();
    return;
  }
  const ULONGLONG started = GetTickCount64();
  const CrashArea area(memory);
  CrashBlock& block = area.block();
  if (!is_written(block, caught.code)) {
    block.stages.store(0);
    block.state.store(CrashState::kBegun);
    block.timestamp = core::system_clock().unix_millis();
    identify_thread(block);
    // Here, since only the thread itself sees its own.
    auto copy = [&] { copy_scopes_of_thread(area, site.copy_thread_scopes.load()); };
    run_guarded(copy);
    site.is_dying.store(true);
    write_on_crash_thread(area, caught);
    block.handler_us = static_cast<std::uint32_t>((GetTickCount64() - started) * 1'000);
  }
  site.crashing_thread.store(0);
}

void withdraw_crash() {
  char* const memory = own_crash_memory();
  crash_site().is_dying.store(false);
  if (memory == nullptr) return;
  CrashBlock& block = CrashArea(memory).block();
  block.state.store(CrashState::kNone);
  block.stages.store(0);
}

/// Whether a handler of anybody's could run. Where the room that give_alternate_stack() has asked for was not kept,
/// wine would end the thread and leave the process.
bool has_stack_left() {
  constexpr std::uintptr_t kNeeded = 8'192;
  ULONG_PTR begin = 0;
  ULONG_PTR end = 0;
  GetCurrentThreadStackLimits(&begin, &end);
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - begin > kNeeded;
}

/// Told of every exception, before anybody may handle it. What cannot wait until nobody has: there is hardly a stack
/// left, or the system ends the process without asking further.
LONG CALLBACK on_first_chance(EXCEPTION_POINTERS* pointers) {
  const EXCEPTION_RECORD& record = *pointers->ExceptionRecord;
  const bool is_fault = (record.ExceptionCode & 0xF0000000U) == 0xC0000000U;
  if (is_fault && leave_guarded_work(pointers)) return EXCEPTION_CONTINUE_EXECUTION;
  if (record.ExceptionCode == EXCEPTION_STACK_OVERFLOW || record.ExceptionCode == kHeapCorruption)
    respond_to_crash({static_cast<std::int32_t>(record.ExceptionCode), &record, pointers->ContextRecord});
  if (record.ExceptionCode == EXCEPTION_STACK_OVERFLOW && !has_stack_left())
    TerminateProcess(GetCurrentProcess(), EXCEPTION_STACK_OVERFLOW);
  return EXCEPTION_CONTINUE_SEARCH;
}

/// Nobody has handled it.
LONG WINAPI on_unhandled(EXCEPTION_POINTERS* pointers) {
  const EXCEPTION_RECORD& record = *pointers->ExceptionRecord;
  const LPTOP_LEVEL_EXCEPTION_FILTER next = earlier.filter;
  // A throw that nobody catches goes on to std::terminate() by the C library's own filter.
  const bool is_throw =
      record.ExceptionCode >= kGccThrow && record.ExceptionCode <= kGccForcedUnwind && next != nullptr;
  if (is_throw) return next(pointers);
  respond_to_crash({static_cast<std::int32_t>(record.ExceptionCode), &record, pointers->ContextRecord});
  const LONG answer = next != nullptr ? next(pointers) : EXCEPTION_CONTINUE_SEARCH;
  if (answer == EXCEPTION_CONTINUE_EXECUTION) withdraw_crash();  // it was mended
  return answer;
}

void on_abort(int number) {
  CONTEXT context;
  RtlCaptureContext(&context);
  respond_to_crash({kAbort, nullptr, &context});
  const AbortHandler next = earlier.abort;
  if (next != SIG_DFL && next != SIG_IGN) next(number);
}

/// An argument that the C library's function cannot work with. The program's own handler decides; where there is none,
/// the newer C libraries end the process by this exception.
void on_invalid_parameter(const wchar_t* expression, const wchar_t* function, const wchar_t* file, unsigned line,
                          uintptr_t reserved) {
  const _invalid_parameter_handler next = earlier.invalid_parameter;
  if (next != nullptr) return next(expression, function, file, line, reserved);
  RaiseException(kInvalidParameter, EXCEPTION_NONCONTINUABLE, 0, nullptr);
}

/// A pure virtual call in code of Microsoft's compiler. (GCC's goes to std::terminate().)
void on_pure_call() {
  CONTEXT context;
  RtlCaptureContext(&context);
  respond_to_crash({static_cast<std::int32_t>(kPureCall), nullptr, &context});
  if (earlier.pure_call != nullptr) earlier.pure_call();
  std::abort();
}

}  // namespace

void install_crash_handlers(Recorder& recorder, const std::string& /*folder*/) {
  start_crash_thread();
  give_alternate_stack();
  CrashSite& site = crash_site();
  site.crashing_thread.store(0);
  site.is_dying.store(false);
  site.memory.store(recorder.memory());
  if (earlier.is_installed) return;
  earlier.is_installed = true;
  earlier.first_handler = AddVectoredExceptionHandler(/*first=*/1, on_first_chance);
  earlier.filter = SetUnhandledExceptionFilter(on_unhandled);
  earlier.abort = std::signal(SIGABRT, on_abort);
  if (earlier.abort == SIG_ERR) earlier.abort = SIG_DFL;
  earlier.invalid_parameter = _set_invalid_parameter_handler(on_invalid_parameter);
  earlier.pure_call = _set_purecall_handler(on_pure_call);
}

void remove_crash_handlers() {
  crash_site().memory.store(nullptr);
  if (!earlier.is_installed) return;
  // Where another one was installed after ours, that stays.
  const LPTOP_LEVEL_EXCEPTION_FILTER filter = SetUnhandledExceptionFilter(earlier.filter);
  const bool is_on_top = filter == on_unhandled;
  if (!is_on_top) SetUnhandledExceptionFilter(filter);
  const AbortHandler abort = std::signal(SIGABRT, earlier.abort);
  if (abort != on_abort && abort != SIG_ERR) std::signal(SIGABRT, abort);
  const _invalid_parameter_handler invalid = _set_invalid_parameter_handler(earlier.invalid_parameter);
  if (invalid != on_invalid_parameter) _set_invalid_parameter_handler(invalid);
  const _purecall_handler pure_call = _set_purecall_handler(earlier.pure_call);
  if (pure_call != on_pure_call) _set_purecall_handler(pure_call);
  if (!is_on_top) return;  // the other one still passes on to ours
  RemoveVectoredExceptionHandler(earlier.first_handler);
  earlier = {};
}

bool is_dying_by_crash(char* recorder_memory) {
  return CrashArea(recorder_memory).block().note_thread_id.load() != 0 || crash_site().is_dying.load();
}

}  // namespace trapline::sdk
