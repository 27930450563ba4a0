#include "sdk/crash/alternate_stack.h"

namespace trapline::sdk {

/// A fault is answered by a thread of its own, whatever the stack of the faulting one is like (exception_thread.h).
bool give_alternate_stack() { return true; }

}  // namespace trapline::sdk
