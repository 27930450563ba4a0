#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trapline::core {

/// Decides by its name whether a value is a secret: "password", "X-Api-Key", "csrfToken". Letters' case and everything
/// but letters and digits is ignored. Words such as "password" count anywhere in a name; short ones such as "pin" only
/// as the whole name. Built once, an automaton (Aho and Corasick, "Efficient string matching", 1975) answers in one
/// pass over the name. Thread-safe.
class SensitiveKeys {
 public:
  /// `further` words count anywhere in a name, as the built-in ones do; names in `allowed` are never secret.
  explicit SensitiveKeys(const std::vector<std::string>& further = {}, const std::vector<std::string>& allowed = {});

  [[nodiscard]] bool matches(std::string_view key) const;

 private:
  static constexpr std::size_t kSymbols = 37;  ///< 0: none of ours, 1-26: letters, 27-36: digits
  using Row = std::array<std::uint16_t, kSymbols>;

  static constexpr std::uint16_t kFound = 1;  ///< the state that is never left: a word that counts anywhere was there

  void add_state(std::uint16_t depth);
  void add(std::string_view word, bool is_whole_name);
  void link();

  std::vector<Row> next_;
  std::vector<std::uint8_t> ends_word_;  ///< a word that counts anywhere ends in this state
  std::vector<std::uint8_t> ends_name_;  ///< a word that counts as the whole name ends in this state
  std::vector<std::uint16_t> depth_;     ///< letters from the root
  std::vector<std::string> allowed_;     ///< normalised
};

}  // namespace trapline::core
