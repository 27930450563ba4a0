#include "sdk/stack/throw_hook.h"

#include "sdk/stack/throw_ring.h"

namespace trapline::sdk {

/// Every library asks for __cxa_throw in the one that it was linked with (the two-level namespace), so that a function
/// of ours of that name is asked for by nobody.
bool has_throw_hook() { return false; }

void remember_throws(bool /*wanted*/) {}

/// None is remembered.
bool may_have_been_thrown(const void* /*object*/) { return false; }

}  // namespace trapline::sdk
