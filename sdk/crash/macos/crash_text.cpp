#include "sdk/crash/crash_text.h"

#include <array>
#include <charconv>
#include <csignal>
#include <span>

#include "sdk/crash/macos/crash_code.h"
#include "sdk/crash/registers.h"

namespace trapline::sdk {
namespace {

struct Code {
  int number;
  std::string_view name;
  std::string_view meaning;  ///< "": the name says it all
};

constexpr Code kSegmentCodes[] = {{SEGV_MAPERR, "SEGV_MAPERR", ", where nothing is mapped"},
                                  {SEGV_ACCERR, "SEGV_ACCERR", ", which does not allow it"}};
constexpr Code kBusCodes[] = {{BUS_ADRALN, "BUS_ADRALN", ", which is not aligned"},
                              {BUS_ADRERR, "BUS_ADRERR", ", which does not allow it"},
                              {BUS_OBJERR, "BUS_OBJERR", ""},
                              {kBadSignature, "", ", a pointer whose signature is wrong"}};
constexpr Code kArithmeticCodes[] = {
    {FPE_INTDIV, "FPE_INTDIV", ": division by zero"}, {FPE_INTOVF, "FPE_INTOVF", ": overflow"},
    {FPE_FLTDIV, "FPE_FLTDIV", ": division by zero"}, {FPE_FLTOVF, "FPE_FLTOVF", ": overflow"},
    {FPE_FLTUND, "FPE_FLTUND", ": underflow"},        {FPE_FLTRES, "FPE_FLTRES", ": inexact result"},
    {FPE_FLTINV, "FPE_FLTINV", ": invalid operation"}};
constexpr Code kInstructionCodes[] = {{ILL_ILLOPC, "ILL_ILLOPC", ""}};
constexpr Code kTrapCodes[] = {{TRAP_BRKPT, "TRAP_BRKPT", ""}, {TRAP_TRACE, "TRAP_TRACE", ""}};

struct Signal {
  int number;
  std::string_view name;
  std::string_view meaning;
  std::span<const Code> codes;
};
constexpr Signal kSignals[] = {{SIGSEGV, "SIGSEGV", "segmentation fault", kSegmentCodes},
                               {SIGBUS, "SIGBUS", "bus error", kBusCodes},
                               {SIGFPE, "SIGFPE", "arithmetic error", kArithmeticCodes},
                               {SIGILL, "SIGILL", "illegal instruction", kInstructionCodes},
                               {SIGABRT, "SIGABRT", "abort", {}},
                               {SIGTRAP, "SIGTRAP", "trap", kTrapCodes},
                               {SIGSYS, "SIGSYS", "forbidden system call", {}}};

const Signal* find_signal(int number) {
  for (const Signal& signal : kSignals) {
    if (signal.number == number) return &signal;
  }
  return nullptr;
}

const Code* find_code(const Signal* signal, int number) {
  if (signal == nullptr) return nullptr;
  for (const Code& code : signal->codes) {
    if (code.number == number) return &code;
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
  const std::string_view verb = access == FaultAccess::kWrite     ? ": writing to"
                                : access == FaultAccess::kRead    ? ": reading from"
                                : access == FaultAccess::kExecute ? ": executing code at"
                                                                  : ": accessing";
  std::string text = std::string(verb) + " address " + hex(block.address);
  if (block.address < kFirstPage) return text + " (null pointer)";
  const Code* const code = find_code(find_signal(block.signal), block.code);
  return text + std::string(code != nullptr ? code->meaning : "");
}

/// The kernel does not name the sender of what a thread sends to itself.
bool is_from_elsewhere(const CrashBlock& block) {
  return block.sender_pid != 0 && block.sender_pid != static_cast<std::int32_t>(block.pid);
}

std::string describe_sender(const CrashBlock& block) {
  if (!is_from_elsewhere(block)) return "raised by the program itself";
  return "sent by process " + std::to_string(block.sender_pid) + " (user " + std::to_string(block.sender_uid) + ")";
}

}  // namespace

std::string_view signal_name(int signal) {
  const Signal* const known = find_signal(signal);
  return known != nullptr ? known->name : "signal";
}

std::string_view signal_code_name(int signal, int code) {
  if (code == SI_USER) return "SI_USER";
  const Code* const known = find_code(find_signal(signal), code);
  return known != nullptr ? known->name : std::string_view();
}

std::string_view describe_silent_end() {
  return "the process ended without a word: by SIGKILL, which the system also sends for lack of memory, or by _exit() "
         "without trapline_shutdown()";
}

/// There are no last words of the C library's here.
CrashText describe_signal(const CrashBlock& block, std::string_view /*last_words*/) {
  const Signal* const known = find_signal(block.signal);
  const std::string type(signal_name(block.signal));
  std::string value = known != nullptr ? std::string(known->meaning) : "signal " + std::to_string(block.signal);
  if (block.code == SI_USER) {
    const bool is_abort = block.signal == SIGABRT && !is_from_elsewhere(block);
    if (is_abort) return {"Abort", "abort() was called"};
    return {type, value + ", " + describe_sender(block)};
  }
  if (block.code == kImpossibleAddress) return {type, value + " at an address that cannot be"};
  if (block.signal == SIGSEGV || block.signal == SIGBUS) return {type, value + describe_access(block)};
  if (const Code* const code = find_code(known, block.code)) value += code->meaning;
  return {type, value};
}

}  // namespace trapline::sdk
