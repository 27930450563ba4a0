#pragma once

/// What a crashing process says to its helper, over a socket of whole messages (SOCK_SEQPACKET), with the writing end
/// of a pipe beside it (SCM_RIGHTS): that is closed when the helper is done with the process.

#include <array>
#include <cstdint>

namespace trapline::sdk {

struct HelperMessage {
  static constexpr std::uint32_t kMagic = 0x48504C54;  // "TLPH"
  std::uint32_t magic = kMagic;
  std::int32_t pid = 0;
  std::int32_t thread = 0;
  std::int32_t signal = 0;
  std::array<char, 32> run_id{};  ///< of the recorder that holds the crash
};

/// Where the helper finds what it is started with.
constexpr int kHelperSocket = 3;
constexpr int kHelperOptions = 4;  ///< a file in memory, handed on to the program that delivers

}  // namespace trapline::sdk
