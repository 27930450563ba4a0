#pragma once

#include "sdk/core/event.h"

namespace trapline::sdk {

/// The operating system, the machine's kind and its name. Release and environment are left to the caller.
core::ProcessFacts read_host_facts();

/// The calling thread's id, as the kernel counts, and its name.
std::uint64_t current_thread_id();
std::string current_thread_name();

}  // namespace trapline::sdk
