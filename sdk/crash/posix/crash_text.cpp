#include "sdk/crash/crash_text.h"

#include <array>
#include <charconv>
#include <csignal>

#include "sdk/crash/registers.h"

namespace trapline::sdk {
namespace {

struct Name {
  int number;
  std::string_view text;
};

struct SignalNames {
  int number;
  std::string_view name;
  std::string_view meaning;
  std::array<std::string_view, 10> codes;  ///< from si_code 1 on (sigaction(2))
};
constexpr SignalNames kSignals[] = {
    {SIGSEGV,
     "SIGSEGV",
     "segmentation fault",
     {"SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR", "SEGV_ACCADI", "SEGV_ADIDERR", "SEGV_ADIPERR",
      "SEGV_MTEAERR", "SEGV_MTESERR", "SEGV_CPERR"}},
    {SIGBUS, "SIGBUS", "bus error", {"BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"}},
    {SIGFPE,
     "SIGFPE",
     "arithmetic error",
     {"FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB"}},
    {SIGILL,
     "SIGILL",
     "illegal instruction",
     {"ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK"}},
    {SIGABRT, "SIGABRT", "abort", {}},
    {SIGTRAP, "SIGTRAP", "trap", {"TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT"}},
    {SIGSYS, "SIGSYS", "forbidden system call", {"SYS_SECCOMP"}},
};

const SignalNames* find_signal(int number) {
  for (const SignalNames& signal : kSignals) {
    if (signal.number == number) return &signal;
  }
  return nullptr;
}

constexpr Name kCommonCodes[] = {
    {SI_USER, "SI_USER"}, {SI_KERNEL, "SI_KERNEL"}, {SI_QUEUE, "SI_QUEUE"}, {SI_TKILL, "SI_TKILL"}};

std::string hex(std::uint64_t number) {
  std::array<char, 18> text{'0', 'x'};
  return {text.data(), std::to_chars(text.data() + 2, text.data() + text.size(), number, 16).ptr};
}

/// What the C library's last words are about.
std::string_view type_of(std::string_view words) {
  struct Sign {
    std::string_view text;
    bool is_at_front;
    std::string_view type;
  };
  constexpr Sign kSigns[] = {
      {"*** stack smashing detected ***", true, "Stack smashing"},
      {"*** buffer overflow detected ***", true, "Buffer overflow"},
      {"Assertion `", false, "Assertion failed"},
      {"free()", true, "Heap corruption"},
      {"malloc", true, "Heap corruption"},
      {"realloc()", true, "Heap corruption"},
      {"calloc", true, "Heap corruption"},
      {"double free", true, "Heap corruption"},
      {"corrupted", true, "Heap corruption"},
      {"munmap_chunk()", true, "Heap corruption"},
      {"munmap()", true, "Heap corruption"},
      {"mremap_chunk()", true, "Heap corruption"},
      {"invalid fastbin", true, "Heap corruption"},
      {"break adjusted", true, "Heap corruption"},
  };
  for (const Sign& sign : kSigns) {
    const std::size_t found = words.find(sign.text);
    if (sign.is_at_front ? found == 0 : found != std::string_view::npos) return sign.type;
  }
  return "Abort";
}

std::string describe_access(const CrashBlock& block) {
  constexpr std::uint64_t kFirstPage = 4096;
  const auto access = static_cast<FaultAccess>(block.access);
  const std::string_view verb = access == FaultAccess::kWrite     ? "writing to"
                                : access == FaultAccess::kRead    ? "reading from"
                                : access == FaultAccess::kExecute ? "executing code at"
                                                                  : "accessing";
  std::string text = std::string(verb) + " address " + hex(block.address);
  if (block.address < kFirstPage) return text + " (null pointer)";
  if (block.code == SEGV_MAPERR) text += ", where nothing is mapped";
  if (block.code == SEGV_ACCERR) text += ", which does not allow it";
  return text;
}

std::string describe_sender(const CrashBlock& block) {
  if (block.sender_pid == static_cast<std::int32_t>(block.pid)) return "raised by the program itself";
  if (block.sender_pid == 0) return "sent by the system";
  return "sent by process " + std::to_string(block.sender_pid) + " (user " + std::to_string(block.sender_uid) + ")";
}

}  // namespace

std::string_view signal_name(int signal) {
  const SignalNames* const known = find_signal(signal);
  return known != nullptr ? known->name : "signal";
}

std::string_view signal_code_name(int signal, int code) {
  for (const Name& common : kCommonCodes) {
    if (common.number == code) return common.text;
  }
  const SignalNames* const known = find_signal(signal);
  const bool has_name = known != nullptr && code > 0 && static_cast<std::size_t>(code) <= known->codes.size();
  return has_name ? known->codes[static_cast<std::size_t>(code) - 1] : std::string_view();
}

std::string_view describe_silent_end() {
  return "the process ended without a word: by SIGKILL, by _exit() without trapline_shutdown(), or by a fault whose "
         "signal its thread had blocked";
}

CrashText describe_signal(const CrashBlock& block, std::string_view last_words) {
  if (!last_words.empty()) return {std::string(type_of(last_words)), std::string(last_words)};
  const SignalNames* const known = find_signal(block.signal);
  std::string value = known != nullptr ? std::string(known->meaning) : "signal " + std::to_string(block.signal);
  const bool was_sent = block.code <= 0;
  if (was_sent && block.signal == SIGABRT && block.sender_pid == static_cast<std::int32_t>(block.pid)) {
    return {"Abort", "abort() was called"};
  }
  if (was_sent) return {std::string(signal_name(block.signal)), value + ", " + describe_sender(block)};
  const bool is_access = block.signal == SIGSEGV || block.signal == SIGBUS;
  // A non-canonical address: the processor does not tell which.
  if (is_access && block.code == SI_KERNEL)
    return {std::string(signal_name(block.signal)), value + " at an address that cannot be"};
  if (is_access) return {std::string(signal_name(block.signal)), value + ": " + describe_access(block)};
  if (block.signal == SIGFPE && block.code == FPE_INTDIV) value += ": division by zero";
  if (block.signal == SIGFPE && block.code == FPE_INTOVF) value += ": overflow";
  return {std::string(signal_name(block.signal)), value};
}

}  // namespace trapline::sdk
