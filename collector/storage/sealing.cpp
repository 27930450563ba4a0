#include "collector/storage/sealing.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sodium.h>

#include "sdk/core/hex.h"

namespace trapline::collector {
namespace {

constexpr char kSealedFormat = 2;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kHeaderBytes = kSealPrefixBytes + kNonceBytes;

constexpr std::size_t kAddressBytes = 32;
/// libsodium's crypto_kdf: what a subkey is for.
constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "trapline";
constexpr std::uint64_t kForSealing = 1;
constexpr std::uint64_t kForAddresses = 2;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void add_number(std::string& to, std::uint64_t number, int bytes) {
  for (int byte = bytes - 1; byte >= 0; --byte)
    to += static_cast<char>((number >> (8U * static_cast<unsigned>(byte))) & 0xFFU);
}

/// The kind ends with a byte that no kind has, and numbers have a width: no two places are the same text.
std::string place_of(std::string_view kind, std::int64_t number, std::string_view rest = {}) {
  std::string place(kind);
  place += '\0';
  add_number(place, static_cast<std::uint64_t>(number), 8);
  place += rest;
  return place;
}

std::string hash(std::string_view bytes, std::span<const unsigned char> key) {
  std::array<unsigned char, kAddressBytes> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes_of(bytes), bytes.size(), key.data(), key.size());
  return core::to_hex(std::as_bytes(std::span(hash)));
}

bool is_separator(char character) {
  return character == ' ' || character == '\t' || character == '\r' || character == '\n' || character == ',';
}

}  // namespace

std::string key_id_text(KeyId id) {
  std::string bytes;
  add_number(bytes, id, sizeof id);
  return core::to_hex(std::as_bytes(std::span(bytes)));
}

EncryptionKey::EncryptionKey(const std::array<unsigned char, kBytes>& bytes) {
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
  for (std::size_t byte = 0; byte < sizeof id_; ++byte) id_ = (id_ << 8U) | hash[byte];
  crypto_kdf_derive_from_key(sealing_.data(), sealing_.size(), kForSealing, kContext, bytes.data());
  crypto_kdf_derive_from_key(addressing_.data(), addressing_.size(), kForAddresses, kContext, bytes.data());
}

std::string EncryptionKey::make() {
  std::array<unsigned char, kBytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(sodium_base64_ENCODED_LEN(kBytes, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the NUL
  return text;
}

core::Result<EncryptionKey> EncryptionKey::parse(std::string_view text) {
  std::array<unsigned char, kBytes> bytes{};
  std::size_t size = 0;
  const char* end = nullptr;
  const bool is_hex = text.size() == 2 * kBytes &&
                      sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end) == 0;
  const bool is_base64 = !is_hex && sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr,
                                                      &size, &end, sodium_base64_VARIANT_ORIGINAL) == 0;
  if ((!is_hex && !is_base64) || size != kBytes || end != text.data() + text.size()) {
    return core::Error{"invalid_key",
                       "an encryption key is 32 bytes in base64 or hex, as 'trapline-collector encryption create-key' "
                       "prints one; what was given is not"};
  }
  EncryptionKey key(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

core::Result<std::vector<EncryptionKey>> EncryptionKey::parse_all(std::string_view text) {
  std::vector<EncryptionKey> keys;
  while (!text.empty()) {
    if (is_separator(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    if (text.front() == '#') {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
      continue;
    }
    const auto end = std::find_if(text.begin(), text.end(), is_separator);
    const auto size = static_cast<std::size_t>(end - text.begin());
    const auto key = parse(text.substr(0, size));
    if (!key) return key.error();
    keys.push_back(*key);
    text.remove_prefix(size);
  }
  return keys;
}

std::string event_place(std::int64_t project, std::string_view event_id) {
  return place_of("event", project, event_id);
}
std::string quarantine_place(std::int64_t project, std::string_view event_id) {
  return place_of("quarantine", project, event_id);
}
std::string dictionary_place(std::int64_t id) { return place_of("dictionary", id); }
std::string attachment_place(std::int64_t project, std::string_view item_id) {
  return place_of("attachment", project, item_id);
}
std::string file_place(std::string_view address) { return place_of("file", 0, address); }
std::string key_place(KeyId id) { return place_of("key", id); }
std::string report_key_place() { return place_of("report key", 0); }

std::string Sealer::seal(std::string bytes, std::string_view place) const {
  if (!is_on()) return bytes;
  const std::size_t size = bytes.size();
  // In place: files may have many megabytes.
  bytes.reserve(kHeaderBytes + size + kTagBytes);
  bytes.insert(0, kHeaderBytes, '\0');
  bytes.append(kTagBytes, '\0');
  bytes.replace(0, kSealPrefixBytes, prefix());
  unsigned char* const nonce = bytes_of(bytes) + kSealPrefixBytes;
  randombytes_buf(nonce, kNonceBytes);
  unsigned char* const text = bytes_of(bytes) + kHeaderBytes;
  crypto_aead_xchacha20poly1305_ietf_encrypt(text, nullptr, text, size, bytes_of(place), place.size(), nullptr, nonce,
                                             keys_.front().sealing().data());
  return bytes;
}

std::string_view Sealer::open(std::string_view bytes, std::string_view place, std::string& opened) const {
  const auto id = sealed_with(bytes);
  if (!id) return bytes;
  const EncryptionKey* key = find(*id);
  if (key == nullptr)
    throw std::runtime_error("it is sealed with the key " + key_id_text(*id) + ", which was not given");
  if (bytes.size() < kHeaderBytes + kTagBytes) throw std::runtime_error("what is sealed there is damaged: too short");
  opened.resize(bytes.size() - kHeaderBytes - kTagBytes);
  const unsigned char* const nonce = bytes_of(bytes) + kSealPrefixBytes;
  const std::string_view text = bytes.substr(kHeaderBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(opened), nullptr, nullptr, bytes_of(text), text.size(),
                                                 bytes_of(place), place.size(), nonce, key->sealing().data()) != 0) {
    throw std::runtime_error("what is sealed there is damaged, or was not sealed for this place");
  }
  return opened;
}

std::string Sealer::address_of(std::string_view bytes) const {
  return is_on() ? hash(bytes, keys_.front().addressing()) : hash(bytes, {});
}

std::string Sealer::address_of(std::string_view bytes, std::string_view stored) const {
  const auto id = sealed_with(stored);
  if (!id) return hash(bytes, {});
  const EncryptionKey* key = find(*id);
  if (key == nullptr) throw std::runtime_error("the key " + key_id_text(*id) + " was not given");
  return hash(bytes, key->addressing());
}

std::string Sealer::prefix() const {
  std::string prefix(1, kSealedFormat);
  add_number(prefix, keys_.front().id(), sizeof(KeyId));
  return prefix;
}

const EncryptionKey* Sealer::find(KeyId id) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const EncryptionKey& key) { return key.id() == id; });
  return found == keys_.end() ? nullptr : &*found;
}

std::optional<KeyId> sealed_with(std::string_view bytes) {
  if (bytes.size() < kSealPrefixBytes || bytes.front() != kSealedFormat) return std::nullopt;
  KeyId id = 0;
  for (const char byte : bytes.substr(1, sizeof id)) id = (id << 8U) | static_cast<unsigned char>(byte);
  return id;
}

}  // namespace trapline::collector
