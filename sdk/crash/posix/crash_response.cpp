#include "sdk/crash/posix/crash_response.h"

#include <ctime>

#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/crash/crash_note.h"
#include "sdk/crash/posix/helper_client.h"
#include "sdk/crash/posix/last_words.h"
#include "sdk/crash/posix/orphan_recorder.h"

namespace trapline::sdk {
namespace {

/// The crash that is being written, for a nested one. One at a time.
struct Current {
  char* memory = nullptr;
  siginfo_t info{};
  ucontext_t context{};
  int number = 0;
};
Current current;

std::uint32_t microseconds_since(const timespec& start) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint32_t>((now.tv_sec - start.tv_sec) * 1'000'000 + (now.tv_nsec - start.tv_nsec) / 1'000);
}

}  // namespace

void respond_to_crash(const CaughtSignal& caught) {
  char* const memory = own_crash_memory();
  if (memory == nullptr) return;
  timespec start{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  const CrashArea area(memory);
  // A handler of the app's that crashes, too, or ends with abort(), does not cover what it was called for. But a fault
  // that the process has survived is covered by the next.
  const bool is_inside = area.block().state.load() != CrashState::kNone &&
                         sigismember(&caught.context->uc_sigmask, area.block().signal) == 1;
  if (is_inside) return;
  current.memory = memory;
  current.number = caught.number;
  current.info = *caught.info;
  current.context = *caught.context;
  begin_crash(area);
  write_last_words(area, caught.number);
  write_crash(area, caught);
  area.block().handler_us = microseconds_since(start);
  area.block().state.store(CrashState::kWhole);
  tell_helper(area);
}

void withdraw_crash() {
  char* const memory = own_crash_memory();
  if (memory == nullptr) return;
  CrashBlock& block = CrashArea(memory).block();
  block.state.store(CrashState::kNone);
  block.stages.store(0);
}

void respond_to_nested_crash(const CaughtSignal& nested) {
  const CrashArea area(current.memory);
  const CaughtSignal caught{current.number, &current.info, &current.context};
  area.block().nested_signal = nested.number;
  write_crash(area, caught);
  area.block().state.store(CrashState::kCutShort);
  tell_helper(area);
  // Back to where the first crash was is no way that can be trusted any more.
  struct sigaction none {};
  none.sa_handler = SIG_DFL;  // NOLINT(cppcoreguidelines-pro-type-union-access): the system's struct
  sigaction(caught.number, &none, nullptr);
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), caught.number);
  _exit(128 + caught.number);
}

}  // namespace trapline::sdk
