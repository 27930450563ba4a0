#include "sdk/crash/crash_text.h"

namespace trapline::sdk {

CrashText describe_crash(const CrashBlock& block, std::string_view last_words) {
  switch (block.kind.load()) {
    case CrashKind::kPureVirtual:
      return {"Pure virtual call", "a pure virtual function was called"};
    case CrashKind::kTerminate:
    case CrashKind::kUncaught:
    case CrashKind::kNoexcept:
      if (block.note_thread_id.load() != 0)
        return {"std::terminate", "std::terminate() was called without an exception"};
      break;
    case CrashKind::kSignal:
      break;
  }
  if (block.is_stack_overflow != 0) return {"Stack overflow", ""};
  return describe_signal(block, last_words);
}

}  // namespace trapline::sdk
