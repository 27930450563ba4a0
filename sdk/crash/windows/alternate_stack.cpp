#include "sdk/crash/alternate_stack.h"

#include <windows.h>

namespace trapline::sdk {

/// Room at the end of the thread's own stack, which is left for handlers when the rest is full.
bool give_alternate_stack() {
  constexpr ULONG kBytes = 32U << 10U;
  ULONG current = 0;  // asks for what there is
  if (SetThreadStackGuarantee(&current) != 0 && current >= kBytes) return true;
  ULONG wanted = kBytes;
  return SetThreadStackGuarantee(&wanted) != 0;
}

}  // namespace trapline::sdk
