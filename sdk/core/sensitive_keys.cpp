#include "sdk/core/sensitive_keys.h"

#include <algorithm>
#include <deque>

#include "sdk/core/ascii.h"

namespace trapline::core {
namespace {

constexpr std::string_view kAnywhere[] = {
    "password",      "passwd",         "passphrase",   "passcode",   "secret",    "token",
    "apikey",        "authorization",  "credential",   "privatekey", "accesskey", "signingkey",
    "encryptionkey", "cookie",         "session",      "csrf",       "xsrf",      "creditcard",
    "cardnumber",    "cardno",         "securitycode", "mysqlpwd",   "dbpass",    "connectionstring",
    "accountnumber", "socialsecurity", "xauth",        "bearer",     "jwt",       "oauth",
    "clientkey",     "masterkey",
};
constexpr std::string_view kWholeName[] = {"pwd",  "pass", "pw",  "auth", "pin",   "cvv", "cvc", "ssn",
                                           "iban", "sid",  "otp", "totp", "creds", "pan", "mfa"};
/// Names that hold such a word and no secret: fields of the event format, and counts.
constexpr std::string_view kHarmless[] = {"tokentype",  "maxtokens",     "sessions",
                                          "tokencount", "passwordreset", "sessionstatus"};

/// 0 for characters that do not count.
constexpr std::array<std::uint8_t, 256> make_symbols() {
  std::array<std::uint8_t, 256> symbols{};
  for (int letter = 0; letter < 26; ++letter) {
    symbols['a' + letter] = static_cast<std::uint8_t>(1 + letter);
    symbols['A' + letter] = static_cast<std::uint8_t>(1 + letter);
  }
  for (int digit = 0; digit < 10; ++digit) symbols['0' + digit] = static_cast<std::uint8_t>(27 + digit);
  return symbols;
}
constexpr std::array<std::uint8_t, 256> kSymbolOf = make_symbols();

std::uint8_t symbol_of(char c) { return kSymbolOf[static_cast<unsigned char>(c)]; }

std::string normalise(std::string_view name) {
  std::string normal;
  for (const char c : name) {
    if (symbol_of(c) != 0) normal.push_back(to_lower(c));
  }
  return normal;
}

}  // namespace

SensitiveKeys::SensitiveKeys(const std::vector<std::string>& further, const std::vector<std::string>& allowed) {
  add_state(0);  // the root
  add_state(0);  // kFound
  for (const std::string_view word : kAnywhere) add(word, false);
  for (const std::string_view word : kWholeName) add(word, true);
  for (const std::string& word : further) add(word, false);
  for (const std::string_view name : kHarmless) allowed_.emplace_back(name);
  for (const std::string& name : allowed) allowed_.push_back(normalise(name));
  std::sort(allowed_.begin(), allowed_.end());
  link();
}

void SensitiveKeys::add_state(std::uint16_t depth) {
  next_.emplace_back();
  ends_word_.push_back(0);
  ends_name_.push_back(0);
  depth_.push_back(depth);
}

void SensitiveKeys::add(std::string_view word, bool is_whole_name) {
  constexpr std::size_t kMostStates = 60'000;  // states are numbered in 16 bits
  std::uint16_t state = 0;
  std::uint16_t length = 0;
  for (const char c : word) {
    const std::uint8_t symbol = symbol_of(c);
    if (symbol == 0) continue;
    ++length;
    if (next_[state][symbol] == 0) {
      if (next_.size() >= kMostStates) return;
      next_[state][symbol] = static_cast<std::uint16_t>(next_.size());
      add_state(length);
    }
    state = next_[state][symbol];
  }
  if (state == 0) return;
  (is_whole_name ? ends_name_ : ends_word_)[state] = 1;
}

/// Turns the trie into the automaton: where a word does not go on, the longest end of what was read that begins
/// another.
void SensitiveKeys::link() {
  std::vector<std::uint16_t> fallback(next_.size(), 0);
  std::deque<std::uint16_t> states;
  for (std::size_t symbol = 1; symbol < kSymbols; ++symbol) {
    if (next_[0][symbol] != 0) states.push_back(next_[0][symbol]);
  }
  while (!states.empty()) {
    const std::uint16_t state = states.front();
    states.pop_front();
    ends_word_[state] |= ends_word_[fallback[state]];
    for (std::size_t symbol = 1; symbol < kSymbols; ++symbol) {
      const std::uint16_t child = next_[state][symbol];
      const std::uint16_t other = next_[fallback[state]][symbol];
      if (child == 0) {
        next_[state][symbol] = other;
        continue;
      }
      fallback[child] = other;
      states.push_back(child);
    }
  }
  for (std::size_t state = 0; state < next_.size(); ++state) {
    for (std::uint16_t& next : next_[state]) {
      if (ends_word_[next] != 0) next = kFound;
    }
    next_[state][0] = static_cast<std::uint16_t>(state);
  }
  next_[kFound].fill(kFound);
}

bool SensitiveKeys::matches(std::string_view key) const {
  const Row* const next = next_.data();
  std::uint16_t state = 0;
  for (const char c : key) state = next[state][symbol_of(c)];
  if (state != kFound && ends_name_[state] == 0) return false;
  if (state != kFound && normalise(key).size() != depth_[state]) return false;
  return !std::binary_search(allowed_.begin(), allowed_.end(), normalise(key));
}

}  // namespace trapline::core
