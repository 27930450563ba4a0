#include "sdk/client/life_signs.h"

#include <algorithm>
#include <vector>

#include <libproc.h>
#include <unistd.h>

#include "sdk/client/macos/system_value.h"

namespace trapline::sdk {
namespace {

std::uint64_t count_open_files() {
  const int wanted = proc_pidinfo(getpid(), PROC_PIDLISTFDS, 0, nullptr, 0);  // with some to spare
  if (wanted <= 0) return 0;
  std::vector<proc_fdinfo> files(static_cast<std::size_t>(wanted) / sizeof(proc_fdinfo));
  const int got = proc_pidinfo(getpid(), PROC_PIDLISTFDS, 0, files.data(), wanted);
  return got > 0 ? static_cast<std::uint64_t>(got) / sizeof(proc_fdinfo) : 0;
}

}  // namespace

std::string boot_id() { return system_text("kern.bootsessionuuid"); }

/// The system has no groups of processes that share a memory limit.
OomKills count_oom_kills() { return {}; }

void begin_life_signs(LifeSigns& life) {
  const std::string id = boot_id();
  std::copy_n(id.begin(), std::min(id.size(), life.boot_id.size() - 1), life.boot_id.begin());
}

void update_life_signs(LifeSigns& life, core::UnixMillis now) {
  proc_taskinfo task{};
  if (proc_pidinfo(getpid(), PROC_PIDTASKINFO, 0, &task, sizeof task) == static_cast<int>(sizeof task)) {
    life.resident_bytes.store(task.pti_resident_size);
    life.threads.store(static_cast<std::uint64_t>(task.pti_threadnum));
  }
  life.open_files.store(count_open_files());
  life.last_look.store(now);
}

}  // namespace trapline::sdk
