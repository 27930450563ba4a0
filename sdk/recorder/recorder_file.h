#pragma once

/// What makes a file a recorder's: also for a crash handler, which cannot use the rest. Async-signal-safe.

#include <array>
#include <cstddef>
#include <string_view>

#include "sdk/recorder/layout.h"

namespace trapline::sdk {

constexpr std::string_view kRecorderSuffix = ".recorder";
constexpr std::string_view kUnfinishedRecorderSuffix = ".recorder-new";

/// A lock of the whole file that dies with this process.
bool lock_recorder_file(int file);

/// Reserves the file's blocks. False, with errno, when there is no room for them.
bool reserve_recorder_blocks(int file, std::size_t bytes);

/// Fills in what the header begins with; the rest is zero.
void begin_recorder_header(RecorderHeader& header, const std::array<char, 32>& run_id, std::size_t bytes);

std::uint64_t recorder_header_checksum(const RecorderHeader& header);

}  // namespace trapline::sdk
