#pragma once

#include <cstddef>
#include <cstdint>

namespace trapline::sdk {

/// The name of a register by its place in CrashBlock::registers; "": there is none.
const char* register_name(std::size_t index);

/// What kind of access caused a page fault (CrashBlock::access).
enum class FaultAccess : std::uint64_t { kUnknown = 0, kRead = 1, kWrite = 2, kExecute = 3 };

}  // namespace trapline::sdk
