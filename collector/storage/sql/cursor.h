#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace trapline::collector::sql {

/// The text that a page's next_cursor gave back is not one of ours.
class InvalidCursor : public std::runtime_error {
 public:
  InvalidCursor() : std::runtime_error("the cursor is not one that this listing gave out: start again without it") {}
};

/// Where a page ended: the last row's value in the sort column, and its id to tell ties apart. As text: "<value>.<id>".
struct Cursor {
  std::int64_t value = 0;
  std::int64_t id = 0;

  [[nodiscard]] std::string to_text() const { return std::to_string(value) + "." + std::to_string(id); }

  /// Nothing for the empty text, which asks for the first page.
  static std::optional<Cursor> parse(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) throw InvalidCursor();
    return Cursor{number(text.substr(0, dot)), number(text.substr(dot + 1))};
  }

 private:
  static std::int64_t number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) throw InvalidCursor();
    return value;
  }
};

}  // namespace trapline::collector::sql
