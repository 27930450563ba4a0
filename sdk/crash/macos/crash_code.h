#pragma once

namespace trapline::sdk {

/// What siginfo_t has no number for (CrashBlock::code).
constexpr int kImpossibleAddress = 0x7001;  ///< a non-canonical address: the processor does not tell which
constexpr int kBadSignature = 0x7002;       ///< pointer authentication has failed

}  // namespace trapline::sdk
