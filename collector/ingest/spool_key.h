#pragma once

/// The secret that tells a spool's own records from bytes that strangers sent. It stands in a file of its own and in
/// the head of every segment, so that damage to one of them costs no record.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

using SpoolKey = std::array<unsigned char, 16>;

/// The first bytes of a segment, and all of the key's file.
struct FileHead {
  std::array<char, 8> magic;
  SpoolKey key;
  std::uint64_t checksum;
};
static_assert(sizeof(FileHead) == 32);

FileHead make_file_head(const SpoolKey& key);
/// Nothing when these bytes are not as they were written.
std::optional<SpoolKey> key_of(const FileHead& head);

/// The key of the spool in `folder`: of its file, else of the first of the segments that has one, else a new one.
/// Without room on the disk for the file, the segments keep the key.
SpoolKey load_spool_key(const std::string& folder, const std::vector<std::string>& segments);

/// SipHash-2-4 (https://doi.org/10.1007/978-3-642-34931-7_28).
std::uint64_t keyed_hash(const SpoolKey& key, const void* bytes, std::size_t size);

}  // namespace trapline::collector
