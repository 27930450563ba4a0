#include "sdk/recorder/recorder_header.h"

#include <cstddef>

#include "sdk/core/checksum.h"

namespace trapline::sdk {
namespace {

std::uint64_t checksum_of(const RecorderHeader& header) {
  return core::fast_checksum(&header, offsetof(RecorderHeader, checksum), kRecorderMagic);
}

}  // namespace

void begin_recorder_header(RecorderHeader& header, const std::array<char, 32>& run_id, std::uint32_t pid,
                           std::size_t bytes) {
  header.magic = kRecorderMagic;
  header.version = kRecorderVersion;
  header.pid = pid;
  header.file_bytes = bytes;
  header.run_id = run_id;
  header.checksum = checksum_of(header);
}

bool is_recorder_header(const RecorderHeader& header, std::size_t bytes) {
  return header.magic == kRecorderMagic && header.version == kRecorderVersion && header.file_bytes == bytes &&
         header.checksum == checksum_of(header);
}

}  // namespace trapline::sdk
