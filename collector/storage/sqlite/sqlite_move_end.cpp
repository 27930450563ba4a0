#include "collector/storage/sqlite/sqlite_move_end.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sqlite/migrations.h"
#include "collector/storage/sqlite/sqlite_store.h"

namespace trapline::collector::sqlite {
namespace {

sql::ColumnType type_of(std::string_view declared) {
  if (declared == "INTEGER") return sql::ColumnType::kInteger;
  return declared == "TEXT" ? sql::ColumnType::kText : sql::ColumnType::kBytes;
}

}  // namespace

SqliteMoveEnd::SqliteMoveEnd(const std::string& path, Role role) {
  if (role == Role::kSource && !std::filesystem::exists(path)) {
    throw sql::Refusal("not_found", "there is no database file " + path);
  }
  auto lock = FileLock::take(path + ".lock");
  if (!lock && lock.error().code == "in_use") {
    throw sql::Refusal("database_in_use", "a trapline-collector is using the database " + path + ": stop it first");
  }
  if (!lock) throw sql::Refusal(lock.error().code, lock.error().message);
  lock_ = std::move(*lock);
  if (role == Role::kSource && Connection(path).schema_version() == 0) {
    throw sql::Refusal("not_found", "the file " + path + " is no database of a trapline-collector");
  }
  connection_ = open_newest(path);
}

std::vector<sql::Table> SqliteMoveEnd::tables() {
  std::vector<sql::Table> tables;
  Statement names = connection_->prepare(
      "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
      "AND name NOT IN ('move_progress', 'event_batch', 'hash_tag_key', 'hash_environment') AND name NOT LIKE "
      "'text\\_%' ESCAPE '\\' ORDER BY name");
  while (names.step()) {
    sql::Table& table = tables.emplace_back();
    table.name = names.text(0);
    table.has_numbered_rows = names.integer(1) != 0;
    std::vector<std::pair<std::int64_t, std::string>> key;
    Statement columns = connection_->prepare("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY name");
    columns.bind(std::string_view(table.name));
    while (columns.step()) {
      table.columns.push_back({std::string(columns.text(0)), type_of(columns.text(1))});
      if (columns.integer(2) > 0) key.emplace_back(columns.integer(2), columns.text(0));
    }
    std::sort(key.begin(), key.end());
    for (auto& [place, column] : key) table.key.push_back(std::move(column));
  }
  return tables;
}

std::vector<std::string> SqliteMoveEnd::troubles() {
  return dynamic_cast<Connection&>(*connection_).days().pool().troubles();
}

std::string SqliteMoveEnd::page_query(const sql::Table& table, const sql::PageQuery& page) const {
  return "SELECT " + page.columns + " FROM " + sql::quoted(table.name) +
         (page.condition.empty() ? "" : " WHERE " + page.condition) + " ORDER BY " + sql::quoted_list(table.key) +
         " LIMIT " + std::to_string(page.rows);
}

std::int64_t SqliteMoveEnd::last_id(const sql::Table& table) {
  Statement sequence = connection_->prepare("SELECT seq FROM sqlite_sequence WHERE name = ?");
  sequence.bind(std::string_view(table.name));
  return sequence.step() ? sequence.integer(0) : 0;
}

void SqliteMoveEnd::set_last_id(const sql::Table& table, std::int64_t id) {
  if (!table.has_numbered_rows || id <= last_id(table)) return;
  // The table has no unique index: what is there is replaced by hand.
  connection_->prepare("DELETE FROM sqlite_sequence WHERE name = ?").bind(std::string_view(table.name)).run();
  connection_->prepare("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)")
      .bind(std::string_view(table.name), id)
      .run();
}

}  // namespace trapline::collector::sqlite
