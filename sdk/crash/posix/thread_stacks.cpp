#include "sdk/crash/thread_stacks.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/crash/posix/proc_file.h"
#include "sdk/crash/posix/safe_memory.h"
#include "sdk/crash/posix/stack_signal.h"
#include "sdk/stack/context_walk.h"

namespace trapline::sdk {
namespace {

constexpr long kLongestWaitNs = 10'000'000;
constexpr long kLookEveryNs = 100'000;

/// Where the threads that are asked put their stacks; nullptr: nobody is asked.
std::atomic<CrashThread*> slots{nullptr};
std::atomic<std::size_t> slot_count{0};

/// An app may have given its thread a handlers' stack that is just large enough for its own.
bool has_room(const ucontext_t& context) {
  constexpr std::uintptr_t kNeeded = 2'048;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto begin = reinterpret_cast<std::uintptr_t>(context.uc_stack.ss_sp);
  const bool is_on_it = here >= begin && here < begin + context.uc_stack.ss_size;
  return !is_on_it || here - begin > kNeeded;
}

/// On the thread that is asked.
void on_stack_signal(int, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  CrashThread* const threads = slots.load(std::memory_order_acquire);
  const auto index = static_cast<std::size_t>(info->si_value.sival_int);
  const bool is_asked = threads != nullptr && index < slot_count.load() &&
                        threads[index].id == static_cast<std::uint64_t>(syscall(SYS_gettid)) &&
                        has_room(*static_cast<const ucontext_t*>(context));
  if (is_asked) {
    CrashThread& self = threads[index];
    SafeWordReader<256> reader;
    ContextWalk walk(*static_cast<const ucontext_t*>(context), reader);
    std::uint32_t count = 0;
    while (count < kCrashThreadFrames) {
      const auto address = walk.next();
      if (!address) break;
      self.frames[count++] = *address;
    }
    self.frame_count = count;
    self.state.store(CrashThread::kWhole, std::memory_order_release);
  }
  errno = saved_errno;
}

/// Writes a number's digits; answers where they end.
char* write_number(char* to, std::uint64_t number) {
  std::array<char, 20> digits{};
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) *to++ = digits[--count];
  return to;
}

using TaskPath = std::array<char, 64>;
TaskPath path_of(const CrashThread& thread, std::string_view file) {
  TaskPath path{};
  constexpr std::string_view kBefore = "/proc/self/task/";
  std::memcpy(path.data(), kBefore.data(), kBefore.size());
  char* const end = write_number(path.data() + kBefore.size(), thread.id);
  std::memcpy(end, file.data(), file.size());
  return path;
}

/// A thread that blocks the signal would keep it, and somebody who waits for signals would get it.
bool blocks_signal(const CrashThread& thread, int number) {
  static std::array<char, 2'048> text;  // the stack may be small; one collects at a time
  const std::size_t length = read_proc_file(path_of(thread, "/status").data(), text.data(), text.size());
  constexpr std::string_view kName = "SigBlk:\t";
  std::string_view rest(text.data(), length);
  while (rest.size() > kName.size() && std::memcmp(rest.data(), kName.data(), kName.size()) != 0) {
    const void* const line_end = std::memchr(rest.data(), '\n', rest.size());
    if (line_end == nullptr) return false;
    rest.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(line_end) - rest.data()) + 1);
  }
  constexpr std::size_t kDigits = 16;
  if (rest.size() < kName.size() + kDigits) return false;
  rest.remove_prefix(kName.size());
  // The signal's bit is in this hexadecimal digit from the right.
  const auto bit = static_cast<unsigned>(number - 1);
  const char digit = rest[kDigits - 1 - bit / 4];
  const int value = digit >= 'a' ? digit - 'a' + 10 : digit - '0';
  return (value >> (bit % 4) & 1) != 0;
}

void read_name(CrashThread& thread) {
  const TaskPath path = path_of(thread, "/comm");
  std::array<char, 16> name{};
  const std::size_t length = read_proc_file(path.data(), name.data(), name.size());
  if (length > 0) name[length - 1] = '\0';  // a line break
  thread.name = name;
}

/// Fills in the threads' ids and names.
std::size_t list_threads(std::span<CrashThread> threads, std::uint64_t except) {
  const int folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return 0;
  std::size_t count = 0;
  alignas(dirent64) static std::array<char, 2048> entries;  // the stack may be small; one collects at a time
  while (count < threads.size()) {
    const long got = syscall(SYS_getdents64, folder, entries.data(), entries.size());
    if (got <= 0) break;
    for (long at = 0; at < got && count < threads.size();) {
      const auto* const entry = reinterpret_cast<const dirent64*>(entries.data() + at);
      at += entry->d_reclen;
      std::uint64_t id = 0;
      for (const char* digit = entry->d_name; *digit >= '0' && *digit <= '9'; ++digit) {
        id = id * 10 + static_cast<std::uint64_t>(*digit - '0');
      }
      if (id == 0 || id == except) continue;
      CrashThread& thread = threads[count++];
      thread.id = id;
      thread.frame_count = 0;
      thread.state.store(CrashThread::kUnused);
      read_name(thread);
    }
  }
  close(folder);
  return count;
}

void ask(CrashThread& thread, std::size_t index, int number) {
  if (blocks_signal(thread, number)) return;
  siginfo_t info{};
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = static_cast<int>(index);
  thread.state.store(CrashThread::kAsked);
  const long sent = syscall(SYS_rt_tgsigqueueinfo, getpid(), static_cast<pid_t>(thread.id), number, &info);
  if (sent != 0) thread.state.store(CrashThread::kUnused);
}

bool is_one_missing(std::span<const CrashThread> threads) {
  for (const CrashThread& thread : threads) {
    if (thread.state.load(std::memory_order_acquire) == CrashThread::kAsked) return true;
  }
  return false;
}

}  // namespace

int stack_signal() {
  constexpr int kMostTries = 16;
  for (int number = SIGRTMAX - 1; number > SIGRTMAX - kMostTries; --number) {
    struct sigaction current {};
    sigaction(number, nullptr, &current);
    const bool is_ours = (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_stack_signal;  // NOLINT
    const bool is_free = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_DFL;            // NOLINT
    if (is_ours || is_free) return number;
  }
  return SIGRTMAX - 1;
}

std::size_t collect_thread_stacks(std::span<CrashThread> threads, std::uint64_t except, bool is_urgent) {
  CrashThread* nobody = nullptr;
  if (!slots.compare_exchange_strong(nobody, threads.data())) {
    if (!is_urgent) return 0;
    slots.store(threads.data());
  }
  const std::size_t count = list_threads(threads, except);
  slot_count.store(count);
  const int number = stack_signal();
  struct sigaction action {};
  struct sigaction before {};
  action.sa_sigaction = on_stack_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  if (sigaction(number, &action, &before) == 0) {
    const auto asked = threads.first(count);
    for (std::size_t index = 0; index < count; ++index) ask(threads[index], index, number);
    for (long waited = 0; waited < kLongestWaitNs && is_one_missing(asked); waited += kLookEveryNs) {
      const timespec pause{0, kLookEveryNs};
      nanosleep(&pause, nullptr);
    }
    // A thread that answers later must find a handler, else the signal would end the process.
    if (!is_one_missing(asked)) sigaction(number, &before, nullptr);
  }
  CrashThread* own = threads.data();
  slots.compare_exchange_strong(own, nullptr);
  return count;
}

void forget_stack_collection() { slots.store(nullptr); }

}  // namespace trapline::sdk
