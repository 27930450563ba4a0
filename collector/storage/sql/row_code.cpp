#include "collector/storage/sql/row_code.h"

#include <array>
#include <cstring>
#include <optional>
#include <stdexcept>

#include <sodium.h>

namespace trapline::collector::sql {
namespace {

constexpr char kNull = 'n';
constexpr char kInteger = 'i';
constexpr char kText = 't';
constexpr char kBytes = 'b';

void append_number(std::string& code, std::uint64_t number) {
  std::array<char, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  code.append(bytes.data(), bytes.size());
}

std::string_view take(std::string_view& code, std::uint64_t count) {
  if (code.size() < count) throw std::runtime_error("a key in move_progress is damaged");
  const std::string_view taken = code.substr(0, count);
  code.remove_prefix(count);
  return taken;
}

std::uint64_t take_number(std::string_view& code) {
  std::uint64_t number = 0;
  std::memcpy(&number, take(code, sizeof number).data(), sizeof number);
  return number;
}

}  // namespace

Value read_value(const Statement& row, int column, ColumnType type) {
  if (row.is_null(column)) return {};
  if (type == ColumnType::kInteger) return {false, type, row.integer(column), {}};
  return {false, type, 0, row.text(column)};
}

void bind_value(Statement& statement, const Value& value) {
  if (value.is_null) {
    statement.bind(std::optional<std::int64_t>());
  } else if (value.type == ColumnType::kInteger) {
    statement.bind(value.integer);
  } else if (value.type == ColumnType::kText) {
    statement.bind(value.bytes);
  } else {
    // Of what is empty SQLite gives a null pointer, and takes one for NULL.
    statement.bind_blob(value.bytes.data() != nullptr ? value.bytes : std::string_view(""));
  }
}

void append_code(std::string& code, const Value& value) {
  if (value.is_null) {
    code += kNull;
  } else if (value.type == ColumnType::kInteger) {
    code += kInteger;
    append_number(code, static_cast<std::uint64_t>(value.integer));
  } else {
    code += value.type == ColumnType::kText ? kText : kBytes;
    append_number(code, value.bytes.size());
    code += value.bytes;
  }
}

std::vector<Value> read_code(std::string_view code) {
  std::vector<Value> values;
  while (!code.empty()) {
    const char type = take(code, 1).front();
    Value& value = values.emplace_back();
    if (type == kNull) continue;
    value.is_null = false;
    const std::uint64_t number = take_number(code);
    if (type == kInteger) {
      value.integer = static_cast<std::int64_t>(number);
      continue;
    }
    value.type = type == kText ? ColumnType::kText : ColumnType::kBytes;
    value.bytes = take(code, number);
  }
  return values;
}

std::uint64_t row_hash(std::string_view code) {
  // A fixed key: whoever can write rows of his choice into a database needs no collision.
  constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> kKey{};
  std::uint64_t hash = 0;
  static_assert(sizeof hash == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), reinterpret_cast<const unsigned char*>(code.data()),
                   code.size(), kKey.data());
  return hash;
}

}  // namespace trapline::collector::sql
