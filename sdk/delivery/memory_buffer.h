#pragma once

#include <memory>

#include "sdk/delivery/event_buffer.h"

namespace trapline::sdk {

/// Events in memory, for where no file can be had: a folder that cannot be written, no SQLite. They are lost with the
/// process. The oldest make room when `max_bytes` are reached.
std::unique_ptr<EventBuffer> make_memory_buffer(std::size_t max_bytes, LedgerCounters& ledger);

}  // namespace trapline::sdk
