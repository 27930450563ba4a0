#include "collector/storage/postgres/statement_text.h"

#include <cstddef>

#include "sdk/core/ascii.h"

namespace trapline::collector::postgres {
namespace {

constexpr std::string_view kLike = " LIKE ";

class Translator {
 public:
  explicit Translator(std::string_view sql) : rest_(sql) {}

  std::string run() {
    while (!rest_.empty()) {
      const char next = rest_.front();
      if (next == '\'' || next == '"') {
        copy_quoted(next);
      } else if (next == '?') {
        rest_.remove_prefix(1);
        write_parameter();
      } else if (rest_.starts_with(kLike)) {
        rest_.remove_prefix(kLike.size());
        text_ += " ILIKE ";
      } else {
        copy(1);
      }
    }
    return std::move(text_);
  }

 private:
  void copy(std::size_t count) {
    text_ += rest_.substr(0, count);
    rest_.remove_prefix(count);
  }

  void copy_quoted(char quote) {
    const std::size_t end = rest_.find(quote, 1);
    copy(end == std::string_view::npos ? rest_.size() : end + 1);
  }

  /// As SQLite counts: `?` without a number is the one after the highest so far.
  void write_parameter() {
    std::size_t number = 0;
    while (!rest_.empty() && core::is_digit(rest_.front())) {
      number = number * 10 + static_cast<std::size_t>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (number == 0) number = highest_ + 1;
    if (number > highest_) highest_ = number;
    text_ += '$';
    text_ += std::to_string(number);
  }

  std::string_view rest_;
  std::string text_;
  std::size_t highest_ = 0;
};

}  // namespace

std::string to_postgres(std::string_view sql) { return Translator(sql).run(); }

}  // namespace trapline::collector::postgres
