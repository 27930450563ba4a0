#include "sdk/crash/posix/thread_stacks.h"

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
#include "sdk/stack/context_walk.h"

namespace trapline::sdk {
namespace {

constexpr long kLongestWaitNs = 10'000'000;
constexpr long kLookEveryNs = 100'000;

/// Where the threads that are asked put their stacks; nullptr: nobody is asked.
std::atomic<CrashThread*> slots{nullptr};
std::atomic<std::size_t> slot_count{0};

/// On the thread that is asked.
void on_stack_signal(int, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  CrashThread* const threads = slots.load(std::memory_order_acquire);
  const auto index = static_cast<std::size_t>(info->si_value.sival_int);
  const bool is_asked = threads != nullptr && index < slot_count.load() &&
                        threads[index].id == static_cast<std::uint64_t>(syscall(SYS_gettid));
  if (is_asked) {
    CrashThread& self = threads[index];
    SafeWordReader reader;
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

void read_name(CrashThread& thread) {
  std::array<char, 64> path{};
  constexpr std::string_view kBefore = "/proc/self/task/";
  std::memcpy(path.data(), kBefore.data(), kBefore.size());
  char* const end = write_number(path.data() + kBefore.size(), thread.id);
  std::memcpy(end, "/comm", sizeof "/comm");
  std::array<char, 16> name{};
  const std::size_t length = read_proc_file(path.data(), name.data(), name.size());
  if (length > 0) name[length - 1] = '\0';  // a line break
  thread.name = name;
}

/// Fills in the threads' ids and names.
std::size_t list_threads(std::span<CrashThread> threads, pid_t except) {
  const int folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return 0;
  std::size_t count = 0;
  alignas(dirent64) std::array<char, 2048> entries;  // NOLINT(cppcoreguidelines-pro-type-member-init): read into
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
      if (id == 0 || id == static_cast<std::uint64_t>(except)) continue;
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

void ask(CrashThread& thread, std::size_t index) {
  siginfo_t info{};
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = static_cast<int>(index);
  thread.state.store(CrashThread::kAsked);
  const long sent = syscall(SYS_rt_tgsigqueueinfo, getpid(), static_cast<pid_t>(thread.id), stack_signal(), &info);
  if (sent != 0) thread.state.store(CrashThread::kUnused);
}

bool is_one_missing(std::span<const CrashThread> threads) {
  for (const CrashThread& thread : threads) {
    if (thread.state.load(std::memory_order_acquire) == CrashThread::kAsked) return true;
  }
  return false;
}

}  // namespace

int stack_signal() { return SIGRTMAX - 1; }

std::size_t collect_thread_stacks(std::span<CrashThread> threads, pid_t except) {
  CrashThread* nobody = nullptr;
  if (!slots.compare_exchange_strong(nobody, threads.data())) return 0;
  const std::size_t count = list_threads(threads, except);
  slot_count.store(count);
  struct sigaction action {};
  struct sigaction before {};
  action.sa_sigaction = on_stack_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  if (sigaction(stack_signal(), &action, &before) == 0) {
    const auto asked = threads.first(count);
    for (std::size_t index = 0; index < count; ++index) ask(threads[index], index);
    for (long waited = 0; waited < kLongestWaitNs && is_one_missing(asked); waited += kLookEveryNs) {
      const timespec pause{0, kLookEveryNs};
      nanosleep(&pause, nullptr);
    }
    // A thread that answers later must find a handler, else the signal would end the process.
    if (!is_one_missing(asked)) sigaction(stack_signal(), &before, nullptr);
  }
  slots.store(nullptr, std::memory_order_release);
  return count;
}

}  // namespace trapline::sdk
