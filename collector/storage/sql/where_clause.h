#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Numbers as a JSON list, which is one parameter of a statement whatever its length: for json_each().
inline std::string json_list(const std::vector<std::int64_t>& numbers) {
  std::string list = "[";
  for (const std::int64_t number : numbers) {
    if (list.size() > 1) list += ',';
    list += std::to_string(number);
  }
  return list + "]";
}

/// Behind a beginning, what comes after all texts that begin so.
constexpr std::string_view kHighest = "\xF4\x8F\xBF\xBF";

/// Conditions gathered one by one, joined by AND, with their parameters. The conditions are our own SQL; what comes
/// from users is only ever a parameter.
class WhereClause {
 public:
  void add(std::string_view condition) {
    sql_ += sql_.empty() ? " WHERE " : " AND ";
    sql_ += condition;
  }
  void add(std::string_view condition, std::int64_t value) {
    add(condition);
    values_.emplace_back(value);
  }
  void add(std::string_view condition, std::string value) {
    add(condition);
    values_.emplace_back(std::move(value));
  }
  /// A further parameter, of the condition added last or of the next one if that has none of its own.
  void add_value(std::int64_t value) { values_.emplace_back(value); }
  void add_value(std::string value) { values_.emplace_back(std::move(value)); }

  /// " WHERE … AND …", or nothing.
  [[nodiscard]] const std::string& sql() const { return sql_; }

  /// Binds the parameters; this clause must outlive the statement.
  void bind_to(Statement& statement) const {
    for (const auto& value : values_) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        statement.bind(*number);
      } else {
        statement.bind(std::string_view(std::get<std::string>(value)));
      }
    }
  }

 private:
  std::string sql_;
  std::vector<std::variant<std::int64_t, std::string>> values_;
};

}  // namespace trapline::collector::sql
