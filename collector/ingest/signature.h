#pragma once

/// The header by which a sender proves that it has its key's secret, and that the body is as it sent it:
///
///     X-Trapline-Signature: t=<unix seconds>,n=<16 random bytes, hex>,v1=<hex HMAC-SHA256(secret, t "." n "." body)>
///
/// over the bytes as sent, before any decompression (HMAC: RFC 2104).

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "sdk/core/clock.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// How far a signature's time may be from ours, either way.
constexpr std::int64_t kSignatureWindowSeconds = 300;

struct Signature {
  std::int64_t time = 0;
  std::string_view time_text;  ///< inside the header, as the nonce is
  std::string_view nonce;      ///< 32 lower-case hex digits
  std::array<unsigned char, 32> mac{};
};

/// Error: "malformed_signature", naming the part that is wrong. Unknown parts are skipped.
core::Result<Signature> parse_signature(std::string_view header);

/// Whether the signature was made with this secret over this body. Takes the same time whichever byte is wrong.
bool is_signed_with(const Signature& signature, std::string_view secret, std::string_view body);

/// Remembers the nonces of a window, so that a request that somebody recorded is not taken twice, not after a restart
/// either. Bounded: when more come than it holds, new ones are refused rather than old ones forgotten. Thread-safe.
class NonceTable {
 public:
  /// About 90 bytes each. `path` is the file that outlives the process, empty for none; when it cannot be written, a
  /// restart forgets.
  explicit NonceTable(const core::Clock& clock, std::string path = {}, std::size_t capacity = 1'000'000);
  ~NonceTable();
  NonceTable(const NonceTable&) = delete;
  NonceTable& operator=(const NonceTable&) = delete;

  enum class Outcome { kFresh, kSeen, kFull };
  /// Remembers the nonce until a signature with it is too old in any case. Only of signatures that are right:
  /// strangers must not be able to fill it.
  Outcome remember(std::string_view key, const Signature& signature);

  /// The request was taken: its nonce is written down, without waiting for the disk.
  void keep(std::string_view key, const Signature& signature);

  /// The request was not taken after all: its sender may send it again as it is.
  void forget(std::string_view key, const Signature& signature);

 private:
  /// A nonce, and in it the key it came with.
  struct Name {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const Name&) const = default;
  };
  struct HashName {
    std::size_t operator()(const Name& name) const { return name.high ^ name.low; }  // nonces are random
  };
  static Name name_of(std::string_view key, const Signature& signature);

  /// As in the file.
  struct Entry {
    std::int64_t forget_at = 0;  ///< Unix seconds
    Name name;
  };
  void read_file();
  /// Writes the file anew without what is forgotten. With the lock held.
  void write_file();

  const core::Clock& clock_;
  std::string path_;
  std::size_t capacity_;
  int file_ = -1;  ///< guarded by mutex_, as all below
  std::size_t entries_in_file_ = 0;
  std::mutex mutex_;
  std::unordered_set<Name, HashName> seen_;  ///< guarded by mutex_, as the next
  /// When each may be forgotten, in Unix seconds. All stay for twice the window, so this is in the order of arrival.
  std::deque<Entry> by_arrival_;
};

}  // namespace trapline::collector
