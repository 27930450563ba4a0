#pragma once

#include "sdk/crash/macos/crash_writer.h"
#include "sdk/crash/macos/exception_message.h"

namespace trapline::sdk {

/// What an exception is as a crash: the signal that the kernel would make of it, its code, the address.
Crash read_fault(const ExceptionRequest& request);

}  // namespace trapline::sdk
