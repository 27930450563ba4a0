#include "sdk/client/quiet_thread.h"

#include <utility>

#include "sdk/core/this_thread.h"
#include "sdk/crash/alternate_stack.h"

namespace trapline::sdk {

std::thread start_quiet_thread(const char* name, std::function<void()> work) {
  return std::thread([name, work = std::move(work)] {
    core::this_thread::set_name(name);
    give_alternate_stack();
    work();
  });
}

}  // namespace trapline::sdk
