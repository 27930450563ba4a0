#pragma once

#include <string>
#include <string_view>

#include "sdk/core/event.h"
#include "sdk/core/result.h"

namespace trapline::sdk {

/// The machine and the process as contexts of events: operating system, device (processor, memory), app (executable,
/// start), runtime (C++ library, compiler of the SDK), culture (locale, timezone), container (cgroup limits). Reads a
/// few small files; on the worker thread. Release, environment and dist are left to the caller; `server_name` is the
/// host's.
core::ProcessFacts read_host_facts();

/// The C++ library and the compiler of the SDK, as JSON.
std::string runtime_context();

/// As JSON, for the recorder, and back. The error of what cannot be read: "invalid_facts".
std::string to_json(const core::ProcessFacts& facts);
core::Result<core::ProcessFacts> parse_facts(std::string_view text);

}  // namespace trapline::sdk
