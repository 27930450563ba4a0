#pragma once

/// Encryption at rest. What is sealed is one byte (2, the version of the format, with which nothing else begins that is
/// stored), the id of the key, a random nonce, and what XChaCha20-Poly1305 made of the bytes. Where they belong is
/// authenticated with them: bytes that somebody has moved to another row do not open. Without keys nothing is sealed,
/// and bytes are stored as they are.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

/// Of a key, as it stands in what was sealed: the first bytes of its hash.
using KeyId = std::uint32_t;
/// "1a2b3c4d"
std::string key_id_text(KeyId id);

/// 32 random bytes, and what is made of them.
class EncryptionKey {
 public:
  static constexpr std::size_t kBytes = 32;

  /// A new one, in base64.
  static std::string make();
  /// One key as base64 or as 64 hex digits. Error: "invalid_key", without the text.
  static core::Result<EncryptionKey> parse(std::string_view text);
  /// Keys separated by white space or commas, the newest first; lines that begin with '#' are comments.
  static core::Result<std::vector<EncryptionKey>> parse_all(std::string_view text);

  [[nodiscard]] KeyId id() const { return id_; }
  [[nodiscard]] const std::array<unsigned char, kBytes>& sealing() const { return sealing_; }
  [[nodiscard]] const std::array<unsigned char, kBytes>& addressing() const { return addressing_; }

 private:
  explicit EncryptionKey(const std::array<unsigned char, kBytes>& bytes);

  KeyId id_ = 0;
  std::array<unsigned char, kBytes> sealing_{};     ///< the key that seals
  std::array<unsigned char, kBytes> addressing_{};  ///< the key that addresses of files are hashed with
};

/// What bytes belong to, in one text: sealed for one place, they open in no other.
std::string event_place(std::int64_t project, std::string_view event_id);
std::string quarantine_place(std::int64_t project, std::string_view event_id);
std::string dictionary_place(std::int64_t id);
std::string attachment_place(std::int64_t project, std::string_view item_id);
std::string file_place(std::string_view address);
std::string key_place(KeyId id);
std::string report_key_place();

/// Seals and opens. Immutable: any thread.
class Sealer {
 public:
  Sealer() = default;
  /// The first key seals, and all of them open.
  explicit Sealer(std::vector<EncryptionKey> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] bool is_on() const { return !keys_.empty(); }
  [[nodiscard]] bool has(KeyId id) const { return find(id) != nullptr; }
  /// Of the key that seals; only when is_on().
  [[nodiscard]] KeyId key_id() const { return keys_.front().id(); }

  /// The bytes themselves without a key.
  [[nodiscard]] std::string seal(std::string bytes, std::string_view place) const;
  /// What was sealed, in `opened`; bytes that are not sealed are answered as they are. Throws std::runtime_error when
  /// the key is not there, or when the bytes are damaged or of another place.
  std::string_view open(std::string_view bytes, std::string_view place, std::string& opened) const;

  /// The address for a file of these bytes: a hash, by the sealing key, so that it tells nothing of what is in the
  /// file.
  [[nodiscard]] std::string address_of(std::string_view bytes) const;
  /// The same as it was when the file, whose stored bytes are given, was sealed.
  [[nodiscard]] std::string address_of(std::string_view bytes, std::string_view stored) const;

  /// What all begins with that was sealed with the first key.
  [[nodiscard]] std::string prefix() const;

 private:
  [[nodiscard]] const EncryptionKey* find(KeyId id) const;

  std::vector<EncryptionKey> keys_;
};

/// The key that the bytes were sealed with; nothing when they are not sealed. The first few bytes are enough.
std::optional<KeyId> sealed_with(std::string_view bytes);
/// So many.
constexpr std::size_t kSealPrefixBytes = 5;

}  // namespace trapline::collector
