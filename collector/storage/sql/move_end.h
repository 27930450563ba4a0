#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

enum class ColumnType { kInteger, kText, kBytes };

struct Column {
  std::string name;
  ColumnType type = ColumnType::kInteger;
  bool operator==(const Column&) const = default;
};

struct Table {
  std::string name;
  std::vector<Column> columns;     ///< by name
  std::vector<std::string> key;    ///< the primary key's columns, in its order
  bool has_numbered_rows = false;  ///< the engine gives them ids, and never one again
};

struct PageQuery {
  std::string columns;
  std::string condition;  ///< of its rows; may be empty
  std::int64_t rows = 0;  ///< at most
  /// No row but the first begins after so many; needless to an engine that reads a row when it is asked for.
  std::int64_t bytes = 0;
};

/// "name", as both engines take it.
std::string quoted(std::string_view name);
/// The same of several, with commas between them.
std::string quoted_list(const std::vector<std::string>& names);

/// One of the two databases of a move, as store_copy.h needs it: what the engines say differently. Nobody else works
/// with the database as long as the object lives. Throws DatabaseError, or Refusal when another process uses it.
class MoveEnd {
 public:
  MoveEnd() = default;
  virtual ~MoveEnd() = default;
  MoveEnd(const MoveEnd&) = delete;
  MoveEnd& operator=(const MoveEnd&) = delete;

  virtual Connection& connection() = 0;
  /// Begins a transaction in which nothing changes any more: for the source.
  virtual void hold_still() = 0;
  /// The collector's tables, by name, without those that tell about the database itself.
  virtual std::vector<Table> tables() = 0;
  /// The query for a page of the table's rows, in the key's order.
  [[nodiscard]] virtual std::string page_query(const Table& table, const PageQuery& page) const = 0;
  /// What was found to be damaged, and is left out of what is read.
  virtual std::vector<std::string> troubles() { return {}; }
  /// What the engine stores in place of a text; nothing: the text itself.
  [[nodiscard]] virtual std::optional<std::string> stored_instead(std::string_view /*text*/) const { return {}; }
  /// The highest id that the table has given to a row, which may be gone; 0: none, or the rows alone tell.
  virtual std::int64_t last_id(const Table& table) = 0;
  /// At least: not below the highest that the table has.
  virtual void set_last_id(const Table& table, std::int64_t id) = 0;
  /// Under which name the engine keeps how far the spool has been digested.
  [[nodiscard]] virtual std::string node_of(const std::string& spool) const = 0;
};

}  // namespace trapline::collector::sql
