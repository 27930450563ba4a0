#include "sdk/crash/posix/crash_site.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/crash/crash_note.h"

namespace trapline::sdk {
namespace {

constinit CrashSite the_site;

}  // namespace

CrashSite& crash_site() { return the_site; }

void identify_thread(CrashBlock& block) {
  block.thread_id = static_cast<std::uint64_t>(syscall(SYS_gettid));
  block.pid = static_cast<std::uint32_t>(getpid());
  prctl(PR_GET_NAME, block.thread_name.data());
}

}  // namespace trapline::sdk
