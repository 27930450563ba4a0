/// A program that dies in the way it is told to, with the SDK running. crash_test.cpp drives it.
///
/// Usage: crash_program WAY      "deliver" delivers what earlier runs have left, and ends well
/// The environment has TEST_DSN and TEST_FOLDER; with TEST_BARE the program dies without the SDK.

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <windows.h>

#include "tests/crash/faults.h"

namespace app {

NOINLINE void stop_at_breakpoint() {
  asm volatile("int3");
  after();
}
NOINLINE void crash_with_heap_lock() {
  HeapLock(GetProcessHeap());
  write_to_null();
  after();
}
NOINLINE void raise_own_exception() {
  RaiseException(0xE0001234, EXCEPTION_NONCONTINUABLE, 0, nullptr);
  after();
}
NOINLINE void wait_for_the_end() {
  while (true) Sleep(1'000);
}
NOINLINE void hang_here() {
  const ULONGLONG end = GetTickCount64() + 700;
  while (GetTickCount64() < end) after();
}
NOINLINE void crash_the_hook() {
  write_to_null();
  after();
}

}  // namespace app

namespace {

/// The compiler's headers may be older than the function.
void name_this_thread(const wchar_t* name) {
  using SetDescription = HRESULT(WINAPI*)(HANDLE, PCWSTR);
  const auto set = reinterpret_cast<SetDescription>(
      reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(L"kernelbase.dll"), "SetThreadDescription")));
  if (set != nullptr) set(GetCurrentThread(), name);
}

template <class Work>
void in_thread(Work work) {
  std::thread([work] {
    name_this_thread(L"crasher");
    work();
  }).join();
}

void overflow() { app::sink = app::recurse_one(0); }

void die_in_32_threads(void (*die)()) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 32; ++thread) {
    threads.emplace_back([&ready, die] {
      name_this_thread(L"crasher");
      ++ready;
      while (ready < 32) std::this_thread::yield();
      die();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void crash_beside_busy_sdk() {
  std::atomic<bool> has_begun{false};
  std::thread hammer([&] { app::hammer_sdk(has_begun); });
  while (!has_begun) std::this_thread::yield();
  app::write_to_null();
  hammer.join();
}

void crash_during_shutdown() {
  std::thread crasher([] {
    name_this_thread(L"crasher");
    Sleep(50);
    app::write_to_null();
  });
  // Nobody takes this event, so that the shutdown waits.
  trapline::capture_message("waits for the shutdown", trapline::Level::warning);
  trapline::shutdown(std::chrono::seconds(5));
  crasher.join();
}

void capture_caught() {
  try {
    app::throw_runtime_error();
  } catch (const std::exception& error) {
    trapline::capture_exception(error);
  }
  trapline::shutdown(std::chrono::seconds(10));
}

void hang() {
  trapline_heartbeat();
  app::hang_here();
  trapline_heartbeat();
  trapline::shutdown(std::chrono::seconds(10));
}

LONG WINAPI mend(EXCEPTION_POINTERS* pointers) {
  pointers->ContextRecord->Rip = reinterpret_cast<DWORD64>(&ExitProcess);
  pointers->ContextRecord->Rcx = 7;
  pointers->ContextRecord->Rsp = (pointers->ContextRecord->Rsp & ~DWORD64{15}) - 8 - 64;
  return EXCEPTION_CONTINUE_EXECUTION;
}

const std::map<std::string, std::function<void()>>& ways() {
  static const std::map<std::string, std::function<void()>> kWays = {
      {"null-write", app::write_to_null},
      {"null-write-worker", [] { in_thread(app::write_to_null); }},
      {"null-write-detached",
       [] {
         std::thread([] {
           name_this_thread(L"crasher");
           app::write_to_null();
         }).detach();
         app::wait_for_the_end();
       }},
      {"bad-read", app::read_bad_address},
      {"bad-call", app::call_bad_address},
      {"stack-overflow", overflow},
      {"stack-overflow-worker", [] { in_thread(overflow); }},
      {"division", app::divide_by_zero},
      {"illegal-instruction", app::run_illegal_instruction},
      {"breakpoint", app::stop_at_breakpoint},
      {"own-exception", app::raise_own_exception},
      {"abort", app::call_abort},
      {"abort-worker", [] { in_thread(app::call_abort); }},
      {"assertion", app::fail_assertion},
      {"exception", app::throw_runtime_error},
      {"exception-worker", [] { in_thread(app::throw_runtime_error); }},
      {"exception-custom", app::throw_order_error},
      {"exception-int", app::throw_int},
      {"exception-noexcept", app::throw_through_noexcept},
      {"exception-destructor", app::throw_in_destructor},
      {"exception-rethrown", app::rethrow_later},
      {"exception-nested", app::throw_nested},
      {"terminate", app::terminate_without_exception},
      {"pure-virtual", app::call_pure_virtual},
      {"heap-lock", app::crash_with_heap_lock},
      {"sdk-lock", crash_beside_busy_sdk},
      {"before-send",
       [] {
         trapline::capture_message("crashes the hook", trapline::Level::error);
         app::wait_for_the_end();
       }},
      {"shutdown", crash_during_shutdown},
      {"mended", app::write_to_null},
      {"killed", [] { TerminateProcess(GetCurrentProcess(), 9); }},
      {"caught", capture_caught},
      {"hang", hang},
      {"good-end", [] { trapline::shutdown(std::chrono::seconds(10)); }},
      {"32-threads", [] { die_in_32_threads(app::write_to_null); }},
      {"32-threads-terminate", [] { die_in_32_threads(app::throw_runtime_error); }},
      {"queued-events",
       [] {
         for (int number = 0; number < 50; ++number) {
           trapline::capture_message("event " + std::to_string(number), trapline::Level::error);
         }
         app::write_to_null();
       }},
  };
  return kWays;
}

trapline::Status start(const std::string& way) {
  trapline::Options options;
  options.dsn = std::getenv("TEST_DSN");
  options.data_folder = std::getenv("TEST_FOLDER");
  options.release = "crash@1";
  options.debug = std::getenv("TEST_DEBUG") != nullptr;
  options.report_abnormal_exit = std::getenv("TEST_REPORT_EXIT") != nullptr;
  if (way == "hang") options.hang_timeout = std::chrono::milliseconds(200);
  if (way == "before-send") {
    options.before_send = [](const std::string& json) {
      app::crash_the_hook();
      return std::optional(json);
    };
  }
  return trapline::init(options);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string way = count > 1 ? arguments[1] : "";
  // Nobody is there to close a window.
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
  if (way == "mended") SetUnhandledExceptionFilter(mend);
  if (std::getenv("TEST_BARE") == nullptr) {
    const trapline::Status status = start(way);
    if (!status.ok()) {
      std::fprintf(stderr, "crash_program: %s\n", status.message().c_str());
      return 2;
    }
    if (way == "deliver") return trapline::shutdown(std::chrono::seconds(20)).ok() ? 0 : 1;
    trapline::set_tag("way", way);
    trapline::set_user({.id = "42"});
    trapline::add_breadcrumb({.category = "test", .message = "about to die"});
  }
  const auto found = ways().find(way);
  if (found == ways().end()) {
    std::fprintf(stderr, "crash_program: there is no way '%s' to die\n", way.c_str());
    return 2;
  }
  found->second();
  return 0;
}
