#pragma once

/// Rows as bytes: to tell whether two are the same, and to keep a key.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/move_end.h"

namespace trapline::collector::sql {

struct Value {
  bool is_null = true;
  ColumnType type = ColumnType::kInteger;
  std::int64_t integer = 0;
  std::string_view bytes;  ///< of a text, or bytes; borrowed
};

/// Borrows from the statement, until its next step.
Value read_value(const Statement& row, int column, ColumnType type);
void bind_value(Statement& statement, const Value& value);

/// Appends the value with its type and length: what is appended of two rows is the same only when they are.
void append_code(std::string& code, const Value& value);
/// The values again; they borrow from `code`. Throws std::runtime_error when it is none.
std::vector<Value> read_code(std::string_view code);

/// A row's part of a table's checksum, which is their sum modulo 2^64: rows may come in any order.
std::uint64_t row_hash(std::string_view code);

}  // namespace trapline::collector::sql
