#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sdk/delivery/event_buffer.h"

namespace trapline::sdk {

struct BufferLimits {
  std::uint64_t max_bytes = std::uint64_t{64} << 20;  ///< of the file, its log not included (at most some 4 MiB)
  std::uint64_t max_events = 1'000'000;
  core::UnixMillis max_age = core::UnixMillis{30} * 24 * 3'600 * 1'000;  ///< milliseconds
};

/// Events in a SQLite file (WAL, synchronous=NORMAL: what is committed survives the process; the last moments may be
/// lost with the machine). Several processes may share it. A file that is damaged is set aside as
/// "<path>.corrupt-<time>" and a new one begun.
///
/// `run_id` is this process's; `report` gets a sentence about what goes wrong. nullptr when SQLite is not installed or
/// the file cannot be made; then `report` was told why. The ledger must outlive the buffer.
std::unique_ptr<EventBuffer> open_sqlite_buffer(const std::string& path, const std::string& run_id,
                                                const BufferLimits& limits, LedgerCounters& ledger,
                                                std::function<void(const std::string&)> report);

}  // namespace trapline::sdk
