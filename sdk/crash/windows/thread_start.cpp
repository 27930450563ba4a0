#include "sdk/crash/thread_start.h"

#include <atomic>

#include <windows.h>

#include "sdk/crash/alternate_stack.h"

namespace trapline::sdk {
namespace {

std::atomic<bool> is_wanted{false};

void NTAPI on_thread(PVOID, DWORD reason, PVOID) {
  if (reason == DLL_THREAD_ATTACH && is_wanted.load(std::memory_order_relaxed)) give_alternate_stack();
}

}  // namespace

void reach_started_threads(bool wanted) { is_wanted.store(wanted); }

}  // namespace trapline::sdk

/// The system calls what stands in this section on every new thread of the process (Microsoft's "PE Format", "The .tls
/// Section").
extern "C" [[gnu::section(".CRT$XLF"), gnu::used]] const PIMAGE_TLS_CALLBACK kTraplineOnThread =
    trapline::sdk::on_thread;
