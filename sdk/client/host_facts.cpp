#include "sdk/client/host_facts.h"

#include <array>

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace trapline::sdk {

core::ProcessFacts read_host_facts() {
  core::ProcessFacts facts;
  utsname names{};
  if (uname(&names) != 0) return facts;
  facts.os_name = names.sysname;
  facts.os_version = names.release;
  facts.architecture = names.machine;
  facts.server_name = names.nodename;
  return facts;
}

std::uint64_t current_thread_id() { return static_cast<std::uint64_t>(syscall(SYS_gettid)); }

std::string current_thread_name() {
  std::array<char, 16> name{};  // the kernel's limit
  if (pthread_getname_np(pthread_self(), name.data(), name.size()) != 0) return {};
  return name.data();
}

}  // namespace trapline::sdk
