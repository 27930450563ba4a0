#include "collector/ingest/signature.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "sdk/core/ascii.h"
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

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

Result<Signature> parse_signature(std::string_view header) {
  std::string_view time;
  std::string_view nonce;
  std::string_view mac;
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    const std::string_view part = core::trim(header.substr(0, comma));
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

NonceTable::NonceTable(const core::Clock& clock, std::string path, std::size_t capacity)
    : clock_(clock), path_(std::move(path)), capacity_(capacity) {
  if (path_.empty()) return;
  read_file();
  write_file();
}

NonceTable::~NonceTable() {
  if (file_ >= 0) close(file_);
}

void NonceTable::read_file() {
  const std::int64_t now = clock_.unix_millis() / 1000;
  std::ifstream file(path_, std::ios::binary);
  Entry entry;
  // A torn entry at the end is left out by itself.
  while (file.read(reinterpret_cast<char*>(&entry), sizeof entry)) {
    if (entry.forget_at > now && seen_.insert(entry.name).second) by_arrival_.push_back(entry);
  }
}

void NonceTable::write_file() {
  if (file_ >= 0) close(file_);
  const std::string fresh = path_ + ".new";
  file_ = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  std::vector<Entry> entries;
  std::copy_if(by_arrival_.begin(), by_arrival_.end(), std::back_inserter(entries),
               [&](const Entry& entry) { return seen_.contains(entry.name); });
  entries_in_file_ = entries.size();
  const std::size_t size = entries.size() * sizeof(Entry);
  const bool is_whole = file_ >= 0 && write(file_, entries.data(), size) == static_cast<ssize_t>(size);
  if (is_whole) std::rename(fresh.c_str(), path_.c_str());
}

NonceTable::Outcome NonceTable::remember(std::string_view key, const Signature& signature) {
  const std::int64_t now = clock_.unix_millis() / 1000;
  const Name name = name_of(key, signature);
  const std::lock_guard lock(mutex_);
  while (!by_arrival_.empty() && by_arrival_.front().forget_at <= now) {
    seen_.erase(by_arrival_.front().name);
    by_arrival_.pop_front();
  }
  if (seen_.contains(name)) return Outcome::kSeen;
  if (seen_.size() >= capacity_) return Outcome::kFull;
  seen_.insert(name);
  by_arrival_.push_back({now + 2 * kSignatureWindowSeconds + 1, name});
  return Outcome::kFresh;
}

void NonceTable::keep(std::string_view key, const Signature& signature) {
  const Entry entry{clock_.unix_millis() / 1000 + 2 * kSignatureWindowSeconds + 1, name_of(key, signature)};
  const std::lock_guard lock(mutex_);
  if (file_ < 0) return;
  // What is forgotten leaves the file when it is most of it.
  constexpr std::size_t kFewEntries = 10'000;
  if (entries_in_file_ > kFewEntries && entries_in_file_ > 2 * seen_.size()) write_file();
  static_cast<void>(!write(file_, &entry, sizeof entry));
  ++entries_in_file_;
}

void NonceTable::forget(std::string_view key, const Signature& signature) {
  const std::lock_guard lock(mutex_);
  seen_.erase(name_of(key, signature));
}

}  // namespace trapline::collector
