#include "sdk/crash/helper/stopped_process.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

namespace trapline::sdk {

StoppedProcess::StoppedProcess(pid_t process) : process_(process) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/task", static_cast<int>(process));
  DIR* const tasks = opendir(path.data());
  if (tasks == nullptr) return;
  while (const dirent* const entry = readdir(tasks)) {  // NOLINT(concurrency-mt-unsafe): this has one thread
    const auto thread = static_cast<pid_t>(std::atoi(entry->d_name));
    if (thread > 0 && count_ < kMostThreads) stop(thread);
  }
  closedir(tasks);
}

void StoppedProcess::stop(pid_t thread) {
  if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) return;
  int status = 0;
  const bool has_stopped = ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
                           waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);
  if (!has_stopped) return;
  threads_[count_].id = thread;
  if (read_registers(thread, threads_[count_].registers)) {
    ++count_;
  } else {
    ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
  }
}

StoppedProcess::~StoppedProcess() {
  for (std::size_t index = 0; index < count_; ++index) ptrace(PTRACE_DETACH, threads_[index].id, nullptr, nullptr);
}

std::size_t StoppedProcess::read(std::uintptr_t from, void* to, std::size_t bytes) const {
  constexpr std::size_t kPageBytes = 4096;
  std::size_t done = 0;
  while (done < bytes) {
    const std::size_t part = std::min(bytes - done, kPageBytes - (from + done) % kPageBytes);
    const iovec local{static_cast<char*>(to) + done, part};
    const iovec remote{reinterpret_cast<void*>(from + done), part};  // NOLINT(performance-no-int-to-ptr)
    const ssize_t got = process_vm_readv(process_, &local, 1, &remote, 1, 0);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
    if (static_cast<std::size_t>(got) < part) break;
  }
  return done;
}

}  // namespace trapline::sdk
