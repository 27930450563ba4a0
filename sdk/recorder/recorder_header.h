#pragma once

/// What makes a file a recorder's: also for a crash handler. Async-signal-safe.

#include <array>
#include <cstddef>
#include <string_view>

#include "sdk/recorder/layout.h"

namespace trapline::sdk {

constexpr std::string_view kRecorderSuffix = ".recorder";
constexpr std::string_view kUnfinishedRecorderSuffix = ".recorder-new";

/// Fills in what the header begins with; the rest is zero.
void begin_recorder_header(RecorderHeader& header, const std::array<char, 32>& run_id, std::uint32_t pid,
                           std::size_t bytes);

/// Whether the header is one of a file of that size.
bool is_recorder_header(const RecorderHeader& header, std::size_t bytes);

}  // namespace trapline::sdk
