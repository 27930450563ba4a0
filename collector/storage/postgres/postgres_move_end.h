#pragma once

#include <string>
#include <vector>

#include "collector/storage/postgres/connection.h"
#include "collector/storage/sql/move_end.h"

namespace trapline::collector::postgres {

/// A server's database as one end of a move.
class PostgresMoveEnd final : public sql::MoveEnd {
 public:
  /// Its schema is brought to the newest version.
  explicit PostgresMoveEnd(const std::string& url);

  sql::Connection& connection() override { return connection_; }
  void hold_still() override;
  std::vector<sql::Table> tables() override;
  [[nodiscard]] std::string page_query(const sql::Table& table, const sql::PageQuery& page) const override;
  [[nodiscard]] std::optional<std::string> stored_instead(std::string_view text) const override;
  std::int64_t last_id(const sql::Table& table) override;
  void set_last_id(const sql::Table& table, std::int64_t id) override;
  [[nodiscard]] std::string node_of(const std::string& spool) const override { return spool; }

 private:
  void refuse_in_use();
  void read_columns(sql::Table& table);

  Connection connection_;
};

}  // namespace trapline::collector::postgres
