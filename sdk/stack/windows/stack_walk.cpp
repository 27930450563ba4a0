#include "sdk/stack/windows/stack_walk.h"

namespace trapline::sdk {

std::optional<std::uintptr_t> StackWalk::next() {
  if (is_first_) {
    is_first_ = false;
    return context_.Rip + 1;
  }
  if (!step() || context_.Rip == 0) return std::nullopt;
  return context_.Rip;
}

bool StackWalk::step() {
  const DWORD64 sp = context_.Rsp;
  if (sp < bounds_.begin || sp > bounds_.end - sizeof sp) return false;
  DWORD64 base = 0;
  RUNTIME_FUNCTION* const function = RtlLookupFunctionEntry(context_.Rip, &base, nullptr);
  if (function != nullptr) {
    void* data = nullptr;
    DWORD64 frame = 0;
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context_.Rip, function, &context_, &data, &frame, nullptr);
  } else {
    // A function without a table calls nobody and has moved nothing; or what was called is no code at all.
    SIZE_T got = 0;
    DWORD64 caller = 0;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
    if (ReadProcessMemory(GetCurrentProcess(), reinterpret_cast<const void*>(sp), &caller, sizeof caller, &got) == 0)
      return false;
    context_.Rip = caller;
    context_.Rsp = sp + sizeof caller;
  }
  return context_.Rsp > sp;
}

}  // namespace trapline::sdk
