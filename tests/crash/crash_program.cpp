/// A program that dies in the way it is told to, with the SDK running. tests/crash/crash_matrix_test.cpp drives it.
///
/// Usage: crash_program WAY      "deliver" delivers what earlier runs have left, and ends well
/// The environment has TEST_DSN, TEST_FOLDER, and may have TEST_PLUGIN. Right before it dies it writes the time
/// (CLOCK_MONOTONIC, nanoseconds) to standard output.

#include <array>
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <trapline/trapline.hpp>
#include <unistd.h>

#include "sdk/recorder/layout.h"
#include "tests/crash/faults.h"

namespace {

/// As calls of which the compiler knows nothing.
void* (*volatile take_memory)(std::size_t) = std::malloc;
void (*volatile give_memory)(void*) = std::free;

void write_time() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t nanoseconds = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  if (write(STDOUT_FILENO, &nanoseconds, sizeof nanoseconds) != sizeof nanoseconds) _exit(3);
}

template <class Work>
void in_thread(Work work) {
  std::thread([work] {
    pthread_setname_np(pthread_self(), "crasher");
    work();
  }).join();
}

}  // namespace

namespace app {

NOINLINE void stop_at_breakpoint() {
#if defined(__aarch64__)
  asm volatile("brk #0");
#else
  asm volatile("int3");
#endif
  after();
}
NOINLINE void make_forbidden_call() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  write_time();
  syscall(SYS_getpriority, 0, 0);
  after();
}
NOINLINE void read_behind_file() {
  const int file = memfd_create("short", 0);
  if (ftruncate(file, 4096) != 0) _exit(3);
  auto* const memory = static_cast<volatile char*>(mmap(nullptr, 8192, PROT_READ, MAP_SHARED, file, 0));
  write_time();
  sink = memory[4096];
  after();
}

NOINLINE void free_twice() {
  void* const memory = take_memory(32);
  give_memory(memory);
  give_memory(memory);
  after();
}
NOINLINE void smash_heap_top() {
  // Too large for the free chunks there are, too small for a mapping of its own: it stands before the rest of the heap.
  auto* const memory = static_cast<volatile char*>(take_memory(100'000));
  for (std::size_t at = 0; at < 24; ++at) memory[100'000 + at] = 0x41;
  take_memory(110'000);
  after();
}
NOINLINE void smash_free_chunk() {
  void* const chunk = take_memory(5'000);
  take_memory(5'000);  // so that the chunk is not joined with the rest of the heap
  give_memory(chunk);
  auto* const memory = static_cast<volatile char*>(chunk);
  for (std::size_t at = 0; at < 16; ++at) memory[at] = 0x41;          // its links in the list of free chunks
  for (int attempt = 0; attempt < 10; ++attempt) take_memory(9'000);  // with malloc's lock held
  after();
}
NOINLINE void smash_stack() {
  volatile char room[8] = {};
  volatile std::size_t length = 64;
  for (std::size_t at = 0; at < length; ++at) room[at] = 0x41;
  sink = room[0];
  after();
}
NOINLINE void lose_stack_pointer() {
#if defined(__aarch64__)
  asm volatile("mov x0, #16\n\tmov sp, x0\n\tmov x29, #32\n\tmov x1, #0\n\tstr x0, [x1]" ::: "x0", "x1", "memory");
#else
  asm volatile("xor %%rax, %%rax\n\tmov $16, %%rsp\n\tmov $32, %%rbp\n\tmovl $1, (%%rax)" ::: "rax", "memory");
#endif
  after();
}
NOINLINE void crash_with_stdio_lock() {
  flockfile(stdout);
  flockfile(stderr);
  write_to_null();
  after();
}
NOINLINE int crash_in_loader(dl_phdr_info*, std::size_t, void*) {
  write_to_null();
  after();
  return 1;
}
NOINLINE void wait_for_signal() {
  while (true) pause();
}
NOINLINE void hang_here() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  while (std::chrono::steady_clock::now() < end) sink = sink + 1;  // no call of ours: it may be seen anywhere
}

}  // namespace app

/// Called at the end of init(), to register what ends the SDK: a place inside it to crash in.
static bool crashes_in_init = false;
extern "C" int __cxa_atexit(void (*function)(void*), void* argument, void* library) {  // NOLINT
  if (crashes_in_init) app::write_to_null();
  using Function = int (*)(void (*)(void*), void*, void*);
  static const auto kNext = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "__cxa_atexit"));
  return kNext(function, argument, library);
}

namespace {

void overflow() { app::sink = app::recurse_one(0); }

void die_in_32_threads(void (*die)()) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 32; ++thread) {
    threads.emplace_back([&ready, die] {
      pthread_setname_np(pthread_self(), "crasher");
      if (++ready == 32) write_time();
      while (ready < 32) std::this_thread::yield();
      die();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

/// Where the handler copies breadcrumbs from, it crashes itself.
void crash_in_handler() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(".recorder") == std::string::npos) continue;
    auto* const memory = reinterpret_cast<char*>(std::stoull(line, nullptr, 16));
    mprotect(memory + trapline::sdk::kBreadcrumbsAt, trapline::sdk::kBreadcrumbBytes, PROT_NONE);
  }
  app::write_to_null();
}

struct sigaction action_before_ours;
sigjmp_buf place_to_recover;

void handle_by(void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &action_before_ours);
}
void end_with_42(int, siginfo_t*, void*) { _exit(42); }
void jump_away(int, siginfo_t*, void*) { siglongjmp(place_to_recover, 1); }
void call_the_one_before(int signal, siginfo_t* info, void* context) {
  action_before_ours.sa_sigaction(signal, info, context);
}

/// A handler that was there first knows what to do about it.
void recover() {
  if (sigsetjmp(place_to_recover, 1) == 0) app::write_to_null();
  trapline::shutdown(std::chrono::seconds(2));
}

/// The child shares this memory until it has ended.
void crash_after_vfork() {
  const pid_t child = vfork();  // NOLINT
  if (child == 0) app::write_to_null();
  waitpid(child, nullptr, 0);
  app::write_to_null();
}

char* repaired_page = nullptr;
void repair(int, siginfo_t*, void*) { mprotect(repaired_page, 4096, PROT_READ | PROT_WRITE); }

/// A fault that is part of how the program works, then a crash.
void crash_after_repair() {
  repaired_page = static_cast<char*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int round = 0; round < 3; ++round) {
    mprotect(repaired_page, 4096, PROT_NONE);
    *static_cast<volatile char*>(repaired_page) = 1;
  }
  app::call_abort();
}

void crash_with_blocked_signals() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread crasher([] {
    pthread_setname_np(pthread_self(), "crasher");
    app::write_to_null();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  crasher.join();
}

/// A handlers' stack as other run-time systems give to their threads.
void hang_with_small_stack() {
  constexpr std::size_t kBytes = 8192;
  auto* const memory = static_cast<char*>(mmap(nullptr, kBytes + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(memory + 4096, kBytes, PROT_READ | PROT_WRITE);
  stack_t stack{};
  stack.ss_sp = memory + 4096;
  stack.ss_size = kBytes;
  sigaltstack(&stack, nullptr);
  trapline_heartbeat();
  app::hang_here();
  trapline::shutdown(std::chrono::seconds(10));
}

void hang() {
  trapline_heartbeat();
  app::hang_here();
  trapline_heartbeat();
  trapline::shutdown(std::chrono::seconds(10));
}

/// The child dies, and this process as it did.
void die_as(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  trapline::shutdown(std::chrono::seconds(2));
  signal(WTERMSIG(status), SIG_DFL);
  raise(WTERMSIG(status));
}

void crash_in_child(bool uses_sdk) {
  const pid_t child = fork();
  if (child == 0) {
    if (uses_sdk) trapline::set_tag("child", "yes");
    app::write_to_null();
  }
  die_as(child);
}

void crash_during_shutdown() {
  std::thread crasher([] {
    pthread_setname_np(pthread_self(), "crasher");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    write_time();
    app::write_to_null();
  });
  // Nobody takes this event, so that the shutdown waits.
  trapline::capture_message("waits for the shutdown", trapline::Level::warning);
  trapline::shutdown(std::chrono::seconds(5));
  crasher.join();
}

void signal_thread_in_sdk() {
  std::atomic<bool> has_begun{false};
  std::thread hammer([&] {
    pthread_setname_np(pthread_self(), "crasher");
    app::hammer_sdk(has_begun);
  });
  while (!has_begun) std::this_thread::yield();
  write_time();
  pthread_kill(hammer.native_handle(), SIGSEGV);
  hammer.join();
}

const std::map<std::string, std::function<void()>>& ways() {
  static const std::map<std::string, std::function<void()>> kWays = {
      {"null-write", app::write_to_null},
      {"null-write-worker", [] { in_thread(app::write_to_null); }},
      {"null-write-detached",
       [] {
         std::thread([] {
           pthread_setname_np(pthread_self(), "crasher");
           app::write_to_null();
         }).detach();
         app::wait_for_signal();
       }},
      {"bad-read", app::read_bad_address},
      {"bad-call", app::call_bad_address},
      {"stack-overflow", overflow},
      {"stack-overflow-worker", [] { in_thread(overflow); }},
      {"division", app::divide_by_zero},
      {"illegal-instruction", app::run_illegal_instruction},
      {"breakpoint", app::stop_at_breakpoint},
      {"forbidden-call", app::make_forbidden_call},
      {"forbidden-call-worker", [] { in_thread(app::make_forbidden_call); }},
      {"bus-error", app::read_behind_file},
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
      {"double-free", app::free_twice},
      {"heap-smash", app::smash_heap_top},
      {"malloc-lock", app::smash_free_chunk},
      {"stack-smash", app::smash_stack},
      {"lost-stack-pointer", app::lose_stack_pointer},
      {"stdio-lock", app::crash_with_stdio_lock},
      {"loader-lock", [] { dl_iterate_phdr(app::crash_in_loader, nullptr); }},
      {"dlopen-constructor", [] { static_cast<void>(dlopen(std::getenv("TEST_PLUGIN"), RTLD_NOW)); }},
      {"sdk-lock", signal_thread_in_sdk},
      {"before-send",
       [] {
         trapline::capture_message("crashes the hook", trapline::Level::error);
         app::wait_for_signal();
       }},
      {"shutdown", crash_during_shutdown},
      {"outside", app::wait_for_signal},
      {"nested", crash_in_handler},
      {"earlier-handler", app::write_to_null},
      {"later-handler",
       [] {
         handle_by(call_the_one_before);
         app::write_to_null();
       }},
      {"recovering-handler", recover},
      {"hang", hang},
      {"quick-exit", [] { _exit(0); }},
      {"no-consent", [] { _exit(0); }},
      {"vfork", crash_after_vfork},
      {"repaired-fault", crash_after_repair},
      {"blocked-signals", crash_with_blocked_signals},
      {"hang-small-stack", hang_with_small_stack},
      {"terminate-exits", app::throw_runtime_error},
      {"terminate-quick-exits", app::throw_runtime_error},
      {"handler-exits", app::write_to_null},
      {"good-end", [] { trapline::shutdown(std::chrono::seconds(2)); }},
      {"forked-child", [] { crash_in_child(false); }},
      {"forked-child-sdk", [] { crash_in_child(true); }},
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

}  // namespace

namespace app {
NOINLINE void crash_the_hook() {
  write_time();
  write_to_null();
  after();
}
}  // namespace app

int main(int count, char** arguments) {
  const std::string way = count > 1 ? arguments[1] : "";
  const bool only_delivers = way == "deliver";
  trapline::Options options;
  options.dsn = std::getenv("TEST_DSN");
  options.data_folder = std::getenv("TEST_FOLDER");
  options.release = "crash@1";
  options.debug = std::getenv("TEST_DEBUG") != nullptr;
  options.use_crash_helper = std::getenv("TEST_HELPER") != nullptr && !only_delivers;
  if (way == "before-send") {
    options.before_send = [](const std::string& json) {
      app::crash_the_hook();
      return std::optional(json);
    };
  }
  options.track_session = std::getenv("TEST_SESSION") != nullptr && !only_delivers;
  options.send_minidump = std::getenv("TEST_MINIDUMP") != nullptr;
  options.report_abnormal_exit = std::getenv("TEST_REPORT_EXIT") != nullptr;
  options.require_consent = way == "no-consent";
  if (way == "hang" || way == "hang-small-stack") options.hang_timeout = std::chrono::milliseconds(200);
  if (way == "earlier-handler") handle_by(end_with_42);
  if (way == "repaired-fault") handle_by(repair);
  if (way == "handler-exits") handle_by([](int, siginfo_t*, void*) { std::exit(3); });
  if (way == "terminate-exits") std::set_terminate([] { std::exit(3); });
  if (way == "terminate-quick-exits") std::set_terminate([] { _exit(3); });
  if (way == "recovering-handler") handle_by(jump_away);
  if (way == "init") {
    write_time();
    crashes_in_init = true;
  }
  const trapline::Status status = trapline::init(options);
  if (!status.ok()) {
    std::fprintf(stderr, "crash_program: %s\n", status.message().c_str());
    return 2;
  }
  if (only_delivers) return trapline::shutdown(std::chrono::seconds(20)).ok() ? 0 : 1;
  trapline::set_tag("way", way);
  trapline::set_user({.id = "42"});
  trapline::add_breadcrumb({.category = "test", .message = "about to die"});
  const auto found = ways().find(way);
  if (found == ways().end()) {
    std::fprintf(stderr, "crash_program: there is no way '%s' to die\n", way.c_str());
    return 2;
  }
  // Whoever kills it wants to hear what it was: its worker has looked at the process once, then.
  if (way == "outside") static_cast<void>(trapline::flush(std::chrono::seconds(10)));
  write_time();
  found->second();
  return 0;
}
