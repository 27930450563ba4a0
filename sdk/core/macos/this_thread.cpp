#include "sdk/core/this_thread.h"

#include <array>
#include <cstdlib>
#include <cstring>

#include <pthread.h>

#include "sdk/core/clock.h"

namespace trapline::core::this_thread {
namespace {

constexpr std::int64_t kNameLastsMillis = 1'000;

struct Known {
  std::uint64_t id = 0;
  std::int64_t named_at = 0;
  std::array<char, 64> name{};  // MAXTHREADNAMESIZE
};
Known& known() {
  thread_local Known known;
  return known;
}

}  // namespace

std::uint64_t id() {
  Known& self = known();
  if (self.id == 0) pthread_threadid_np(nullptr, &self.id);
  return self.id;
}

std::string_view name() {
  Known& self = known();
  const std::int64_t now = coarse_millis();
  if (self.named_at == 0 || now - self.named_at >= kNameLastsMillis) {
    self.named_at = now;
    pthread_getname_np(pthread_self(), self.name.data(), self.name.size());
    // The main thread has no name of its own.
    if (self.name[0] == '\0' && pthread_main_np() != 0) strlcpy(self.name.data(), getprogname(), self.name.size());
  }
  return {self.name.data(), strnlen(self.name.data(), self.name.size())};
}

void set_name(const char* name) { pthread_setname_np(name); }

void forget_after_fork() { known() = {}; }

}  // namespace trapline::core::this_thread
