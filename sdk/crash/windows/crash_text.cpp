#include "sdk/crash/crash_text.h"

#include <array>
#include <charconv>

#include <windows.h>

#include "sdk/crash/registers.h"
#include "sdk/crash/windows/crash_site.h"

namespace trapline::sdk {
namespace {

struct ExceptionName {
  DWORD code;
  std::string_view name;
  std::string_view meaning;
};
constexpr ExceptionName kExceptions[] = {
    {EXCEPTION_ACCESS_VIOLATION, "EXCEPTION_ACCESS_VIOLATION", "access violation"},
    {EXCEPTION_IN_PAGE_ERROR, "EXCEPTION_IN_PAGE_ERROR", "a page could not be read in"},
    {EXCEPTION_STACK_OVERFLOW, "EXCEPTION_STACK_OVERFLOW", "stack overflow"},
    {EXCEPTION_INT_DIVIDE_BY_ZERO, "EXCEPTION_INT_DIVIDE_BY_ZERO", "division by zero"},
    {EXCEPTION_INT_OVERFLOW, "EXCEPTION_INT_OVERFLOW", "integer overflow"},
    {EXCEPTION_FLT_DIVIDE_BY_ZERO, "EXCEPTION_FLT_DIVIDE_BY_ZERO", "division of a floating-point number by zero"},
    {EXCEPTION_FLT_INVALID_OPERATION, "EXCEPTION_FLT_INVALID_OPERATION", "invalid floating-point operation"},
    {EXCEPTION_FLT_OVERFLOW, "EXCEPTION_FLT_OVERFLOW", "floating-point overflow"},
    {EXCEPTION_ILLEGAL_INSTRUCTION, "EXCEPTION_ILLEGAL_INSTRUCTION", "illegal instruction"},
    {EXCEPTION_PRIV_INSTRUCTION, "EXCEPTION_PRIV_INSTRUCTION", "privileged instruction"},
    {EXCEPTION_BREAKPOINT, "EXCEPTION_BREAKPOINT", "breakpoint"},
    {EXCEPTION_SINGLE_STEP, "EXCEPTION_SINGLE_STEP", "single step"},
    {EXCEPTION_DATATYPE_MISALIGNMENT, "EXCEPTION_DATATYPE_MISALIGNMENT", "misaligned access"},
    {EXCEPTION_ARRAY_BOUNDS_EXCEEDED, "EXCEPTION_ARRAY_BOUNDS_EXCEEDED", "array bounds exceeded"},
    {EXCEPTION_GUARD_PAGE, "EXCEPTION_GUARD_PAGE", "guard page"},
    {EXCEPTION_INVALID_HANDLE, "EXCEPTION_INVALID_HANDLE", "invalid handle"},
    {EXCEPTION_NONCONTINUABLE_EXCEPTION, "EXCEPTION_NONCONTINUABLE_EXCEPTION", "continued where that is not possible"},
    {0xC0000374, "STATUS_HEAP_CORRUPTION", "the heap is damaged"},
    {0xC0000409, "STATUS_STACK_BUFFER_OVERRUN", "the stack is damaged, or the program has ended itself at once"},
    {0xC0000417, "STATUS_INVALID_CRUNTIME_PARAMETER", "an invalid argument was given to a function of the C library"},
    {0xC0000194, "EXCEPTION_POSSIBLE_DEADLOCK", "possible deadlock"},
    {0xC06D007E, "VcppException(ERROR_MOD_NOT_FOUND)", "a library that is loaded late was not found"},
    {0xC06D007F, "VcppException(ERROR_PROC_NOT_FOUND)", "a function of a library that is loaded late was not found"},
    {0xE06D7363, "C++ exception", "an exception of Microsoft's C++ that nobody caught"},
    {0xE0545043, "Pure virtual call", "a pure virtual function was called"},
};

const ExceptionName* find_exception(std::int32_t code) {
  for (const ExceptionName& known : kExceptions) {
    if (known.code == static_cast<DWORD>(code)) return &known;
  }
  return nullptr;
}

std::string hex(std::uint64_t number) {
  std::array<char, 18> text{'0', 'x'};
  return {text.data(), std::to_chars(text.data() + 2, text.data() + text.size(), number, 16).ptr};
}

std::string describe_access(const CrashBlock& block) {
  constexpr std::uint64_t kFirstPage = 4096;
  const auto access = static_cast<FaultAccess>(block.access);
  const std::string_view verb = access == FaultAccess::kWrite     ? "writing to"
                                : access == FaultAccess::kRead    ? "reading from"
                                : access == FaultAccess::kExecute ? "executing code at"
                                                                  : "accessing";
  // The processor tells no address for one that cannot be; the system says all ones then.
  if (block.address == ~std::uint64_t{0}) return std::string(verb) + " an address that cannot be";
  return std::string(verb) + " address " + hex(block.address) + (block.address < kFirstPage ? " (null pointer)" : "");
}

}  // namespace

std::string_view signal_name(int signal) {
  if (signal == kAbort) return "SIGABRT";
  const ExceptionName* const known = find_exception(signal);
  return known != nullptr ? known->name : "exception";
}

std::string_view signal_code_name(int /*signal*/, int /*code*/) { return {}; }

CrashText describe_signal(const CrashBlock& block, std::string_view last_words) {
  if (block.signal == kAbort) {
    return {"Abort", last_words.empty() ? std::string("abort() was called") : std::string(last_words)};
  }
  const ExceptionName* const known = find_exception(block.signal);
  if (known == nullptr) {
    const std::string code = hex(static_cast<std::uint32_t>(block.signal));
    return {"Exception " + code, "an exception of the system that nobody handled, code " + code};
  }
  const bool is_access = known->code == EXCEPTION_ACCESS_VIOLATION || known->code == EXCEPTION_IN_PAGE_ERROR;
  std::string value(known->meaning);
  if (is_access) value += ": " + describe_access(block);
  return {std::string(known->name), std::move(value)};
}

std::string_view describe_silent_end() {
  return "the process ended without a word: by TerminateProcess(), by _exit() without trapline_shutdown(), or because "
         "it asked the system to end it at once (__fastfail)";
}

}  // namespace trapline::sdk
