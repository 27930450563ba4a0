#include <dlfcn.h>

#include "sdk/crash/crash_note.h"

namespace trapline::sdk {

bool is_in_function(std::uintptr_t address, std::string_view name) {
  Dl_info info{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
  const bool is_known = dladdr(reinterpret_cast<void*>(address - 1), &info) != 0 && info.dli_sname != nullptr;
  return is_known && name == info.dli_sname;
}

}  // namespace trapline::sdk
