/// What is the same on every processor; how to get to the caller is in x86_64/ and aarch64/.

#include "sdk/stack/context_walk.h"

#include <dlfcn.h>

namespace trapline::sdk {

std::optional<std::uintptr_t> ContextWalk::next() {
  if (is_first_) {
    is_first_ = false;
  } else if (!step()) {
    return std::nullopt;
  }
  return is_exact_ ? pc_ + 1 : pc_;
}

bool ContextWalk::is_in_module(std::uintptr_t address) {
  dl_find_object object{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
  return _dl_find_object(reinterpret_cast<void*>(address), &object) == 0;
}

}  // namespace trapline::sdk
