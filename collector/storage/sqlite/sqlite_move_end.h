#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collector/storage/file_lock.h"
#include "collector/storage/sql/move_end.h"
#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// A file as one end of a move, under the lock that a server takes.
class SqliteMoveEnd final : public sql::MoveEnd {
 public:
  enum class Role { kSource, kTarget };
  /// A source has to be there, a target is made when it is not; its schema is brought to the newest version.
  SqliteMoveEnd(const std::string& path, Role role);

  sql::Connection& connection() override { return *connection_; }
  void hold_still() override { connection_->begin(); }
  std::vector<sql::Table> tables() override;
  std::vector<std::string> troubles() override;
  [[nodiscard]] std::string page_query(const sql::Table& table, const sql::PageQuery& page) const override;
  std::int64_t last_id(const sql::Table& table) override;
  void set_last_id(const sql::Table& table, std::int64_t id) override;
  /// In a file there is one collector, without a name.
  [[nodiscard]] std::string node_of(const std::string& /*spool*/) const override { return {}; }

 private:
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<sql::Connection> connection_;
};

}  // namespace trapline::collector::sqlite
