#include "sdk/crash/windows/crash_thread.h"

#include <atomic>

#include "sdk/core/this_thread.h"
#include "sdk/crash/windows/crash_writer.h"

namespace trapline::sdk {
namespace {

constexpr DWORD kLongestWaitMs = 5'000;
constexpr DWORD kLongestStartMs = 1'000;

/// What is to be written. One crash at a time (CrashSite::crashing_thread).
struct Order {
  HANDLE is_ready = nullptr;
  HANDLE is_asked = nullptr;
  HANDLE is_done = nullptr;
  char* memory = nullptr;
  const CaughtException* caught = nullptr;
};
Order order;
std::atomic<DWORD> thread_id{0};

DWORD WINAPI run(void*) {
  core::this_thread::set_name("trapline-crash");
  SetEvent(order.is_ready);
  while (WaitForSingleObject(order.is_asked, INFINITE) == WAIT_OBJECT_0) {
    write_crash(CrashArea(order.memory), *order.caught);
    SetEvent(order.is_done);
  }
  return 0;
}

}  // namespace

void start_crash_thread() {
  static const bool kIsStarted = [] {
    order.is_ready = CreateEventW(nullptr, FALSE, FALSE, nullptr);
    order.is_asked = CreateEventW(nullptr, FALSE, FALSE, nullptr);
    order.is_done = CreateEventW(nullptr, FALSE, FALSE, nullptr);
    if (order.is_ready == nullptr || order.is_asked == nullptr || order.is_done == nullptr) return false;
    constexpr SIZE_T kStackBytes = SIZE_T{256} << 10U;
    DWORD id = 0;
    HANDLE const thread = CreateThread(nullptr, kStackBytes, run, nullptr, STACK_SIZE_PARAM_IS_A_RESERVATION, &id);
    if (thread == nullptr) return false;
    CloseHandle(thread);
    // A thread needs the heap to begin: were the program to die just now with the heap locked, it never would.
    WaitForSingleObject(order.is_ready, kLongestStartMs);
    thread_id.store(id);
    return true;
  }();
  static_cast<void>(kIsStarted);
}

void write_on_crash_thread(const CrashArea& area, const CaughtException& caught) {
  if (thread_id.load() == 0) return write_crash(area, caught);
  order.memory = area.at(0);
  order.caught = &caught;
  SetEvent(order.is_asked);
  WaitForSingleObject(order.is_done, kLongestWaitMs);
}

DWORD crash_thread_id() { return thread_id.load(); }

}  // namespace trapline::sdk
