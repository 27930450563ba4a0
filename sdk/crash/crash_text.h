#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// What a crash is called and what is said of it, in words for people.
struct CrashText {
  std::string type;
  std::string value;
};

/// "SIGSEGV", and "SEGV_MAPERR" or "" for a code that has no name; or how else the system names its crashes.
std::string_view signal_name(int signal);
std::string_view signal_code_name(int signal, int code);

/// Of a crash by a signal, or by std::terminate() without an exception. `last_words`: what the C library said, or "".
CrashText describe_crash(const CrashBlock& block, std::string_view last_words);

/// Of one by a signal, or by what the system has in its place.
CrashText describe_signal(const CrashBlock& block, std::string_view last_words);

/// What may have ended a process that has said nothing.
std::string_view describe_silent_end();

}  // namespace trapline::sdk
