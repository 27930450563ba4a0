#include "collector/ingest/spool_key.h"

#include <algorithm>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "sdk/core/checksum.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

constexpr std::string_view kMagic = "TRPLSPL2";
constexpr std::uint64_t kSeed = 0x5350'4F4F'4C4B'4559ULL;

std::uint64_t checksum_of(const SpoolKey& key) { return core::fast_checksum(key.data(), key.size(), kSeed); }

std::optional<SpoolKey> read_key(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  FileHead head{};
  const bool is_whole = read(file, &head, sizeof head) == static_cast<ssize_t>(sizeof head);
  close(file);
  return is_whole ? key_of(head) : std::nullopt;
}

void write_key(const std::string& path, const SpoolKey& key) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  const FileHead head = make_file_head(key);
  static_cast<void>(!write(file, &head, sizeof head));
  fsync(file);
  close(file);
}

}  // namespace

FileHead make_file_head(const SpoolKey& key) {
  FileHead head{{}, key, checksum_of(key)};
  std::copy(kMagic.begin(), kMagic.end(), head.magic.begin());
  return head;
}

std::optional<SpoolKey> key_of(const FileHead& head) {
  const bool is_right =
      std::equal(kMagic.begin(), kMagic.end(), head.magic.begin()) && head.checksum == checksum_of(head.key);
  return is_right ? std::optional(head.key) : std::nullopt;
}

SpoolKey load_spool_key(const std::string& folder, const std::vector<std::string>& segments) {
  const std::string path = folder + "/key";
  if (const auto key = read_key(path)) return *key;
  SpoolKey key{};
  core::fill_random(std::as_writable_bytes(std::span(key)));
  for (const std::string& segment : segments) {
    if (const auto found = read_key(segment)) {
      key = *found;
      break;
    }
  }
  write_key(path, key);
  return key;
}

std::uint64_t keyed_hash(const SpoolKey& key, const void* bytes, std::size_t size) {
  static_assert(crypto_shorthash_KEYBYTES == sizeof(SpoolKey));
  static_assert(crypto_shorthash_BYTES == sizeof(std::uint64_t));
  std::uint64_t hash = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), static_cast<const unsigned char*>(bytes), size, key.data());
  return hash;
}

}  // namespace trapline::collector
