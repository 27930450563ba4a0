#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

Statement Connection::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) found = statements_.emplace(std::string(sql), make_statement(sql)).first;
  return Statement(*found->second);
}

Transaction::Transaction(Connection& connection) : connection_(connection) { connection_.begin(); }

Transaction::~Transaction() {
  if (!is_open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const DatabaseError&) {  // NOLINT(bugprone-empty-catch): the database has rolled back by itself, as SQLite
                                    // does when the disk is full and PostgreSQL when the connection is lost
  }
}

void Transaction::commit() {
  connection_.execute("COMMIT");
  is_open_ = false;
}

}  // namespace trapline::collector::sql
