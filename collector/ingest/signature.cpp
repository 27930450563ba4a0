#include "collector/ingest/signature.h"

#include <algorithm>
#include <charconv>

#include <sodium.h>

#include "sdk/core/checksum.h"
#include "sdk/core/hex.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr std::size_t kNonceDigits = 32;
constexpr std::size_t kMostTimeDigits = 12;

Error malformed(std::string_view what) {
  return {"malformed_signature",
          "X-Trapline-Signature is malformed: " + std::string(what) + "; it reads t=<seconds>,n=<hex>,v1=<hex>"};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

Result<Signature> parse_signature(std::string_view header) {
  std::string_view time;
  std::string_view nonce;
  std::string_view mac;
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    const std::string_view part = trim(header.substr(0, comma));
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos) {
      const std::string_view name = part.substr(0, equals);
      std::string_view* const into = name == "t" ? &time : (name == "n" ? &nonce : (name == "v1" ? &mac : nullptr));
      if (into != nullptr && !into->empty()) return malformed("a part occurs twice");
      if (into != nullptr) *into = part.substr(equals + 1);
    }
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
  }
  Signature signature;
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), signature.time);
  if (time.size() > kMostTimeDigits || error != std::errc{} || end != time.data() + time.size() || signature.time < 0) {
    return malformed("t is no time in Unix seconds");
  }
  signature.time_text = time;
  if (nonce.size() != kNonceDigits || !core::is_lower_hex(nonce)) {
    return malformed("n is not 32 lower-case hex digits");
  }
  signature.nonce = nonce;
  std::size_t length = 0;
  const bool is_hex = mac.size() == 2 * signature.mac.size() && core::is_lower_hex(mac) &&
                      sodium_hex2bin(signature.mac.data(), signature.mac.size(), mac.data(), mac.size(), nullptr,
                                     &length, nullptr) == 0;
  if (!is_hex || length != signature.mac.size()) return malformed("v1 is not 64 lower-case hex digits");
  return signature;
}

bool is_signed_with(const Signature& signature, std::string_view secret, std::string_view body) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(secret), secret.size());
  for (const std::string_view part :
       {signature.time_text, std::string_view("."), signature.nonce, std::string_view("."), body}) {
    crypto_auth_hmacsha256_update(&state, bytes_of(part), part.size());
  }
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_final(&state, mac.data());
  return sodium_memcmp(mac.data(), signature.mac.data(), mac.size()) == 0;
}

NonceTable::Name NonceTable::name_of(std::string_view key, const Signature& signature) {
  Name name;
  const std::string_view digits = signature.nonce;
  std::from_chars(digits.data(), digits.data() + kNonceDigits / 2, name.high, 16);
  std::from_chars(digits.data() + kNonceDigits / 2, digits.data() + kNonceDigits, name.low, 16);
  name.low ^= core::fast_checksum(key, 0);
  return name;
}

NonceTable::Outcome NonceTable::remember(std::string_view key, const Signature& signature) {
  const std::int64_t now = clock_.unix_millis() / 1000;
  const Name name = name_of(key, signature);
  const std::lock_guard lock(mutex_);
  while (!by_arrival_.empty() && by_arrival_.front().first <= now) {
    seen_.erase(by_arrival_.front().second);
    by_arrival_.pop_front();
  }
  if (seen_.contains(name)) return Outcome::kSeen;
  if (seen_.size() >= capacity_) return Outcome::kFull;
  seen_.insert(name);
  by_arrival_.emplace_back(now + 2 * kSignatureWindowSeconds + 1, name);
  return Outcome::kFresh;
}

void NonceTable::forget(std::string_view key, const Signature& signature) {
  const std::lock_guard lock(mutex_);
  seen_.erase(name_of(key, signature));
}

}  // namespace trapline::collector
