#pragma once

#include <memory>

#include "sdk/delivery/event_buffer.h"

namespace trapline::sdk {

/// A buffer in a file, and one in memory for what the file cannot take: a full disk, a limit on files' sizes. Such
/// events are still sent; they are lost only if the process ends first.
std::unique_ptr<EventBuffer> with_fallback(std::unique_ptr<EventBuffer> file, std::unique_ptr<EventBuffer> memory);

}  // namespace trapline::sdk
