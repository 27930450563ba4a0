#include "sdk/crash/windows/guarded.h"

#include <array>
#include <atomic>

namespace trapline::sdk {
namespace {

struct Guard {
  std::atomic<DWORD> thread{0};  ///< whose work is run; 0: nobody's
  std::atomic<bool> has_faulted{false};
  CONTEXT before{};
};
std::array<Guard, 2> guards;

[[gnu::noinline]] bool run(Guard& guard, void (*work)(void* state), void* state) {
  guard.has_faulted.store(false);
  RtlCaptureContext(&guard.before);  // comes back a second time after a fault
  if (guard.has_faulted.load()) return false;
  work(state);
  return true;
}

}  // namespace

bool run_guarded(void (*work)(void* state), void* state) {
  for (Guard& guard : guards) {
    DWORD nobody = 0;
    if (!guard.thread.compare_exchange_strong(nobody, GetCurrentThreadId())) continue;
    const bool is_done = run(guard, work, state);
    guard.thread.store(0);
    return is_done;
  }
  return false;
}

bool leave_guarded_work(EXCEPTION_POINTERS* pointers) {
  for (Guard& guard : guards) {
    if (guard.thread.load() != GetCurrentThreadId() || guard.has_faulted.exchange(true)) continue;
    *pointers->ContextRecord = guard.before;
    return true;
  }
  return false;
}

}  // namespace trapline::sdk
