#include "sdk/core/this_thread.h"

#include <array>
#include <cstring>
#include <ctime>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trapline::core::this_thread {
namespace {

struct Known {
  std::uint64_t id = 0;
  std::time_t named_at = 0;
  std::array<char, 16> name{};  // the kernel's limit
};
Known& known() {
  thread_local Known known;
  return known;
}

}  // namespace

std::uint64_t id() {
  Known& self = known();
  if (self.id == 0) self.id = static_cast<std::uint64_t>(syscall(SYS_gettid));
  return self.id;
}

std::string_view name() {
  Known& self = known();
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (self.named_at != now.tv_sec) {
    self.named_at = now.tv_sec;
    prctl(PR_GET_NAME, self.name.data());
    self.name.back() = '\0';
  }
  return {self.name.data(), std::strlen(self.name.data())};
}

void set_name(const char* name) { prctl(PR_SET_NAME, name); }

void forget_after_fork() { known() = {}; }

}  // namespace trapline::core::this_thread
