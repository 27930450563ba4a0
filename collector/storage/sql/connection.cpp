#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

Statement Connection::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) found = statements_.emplace(std::string(sql), make_statement(sql)).first;
  return Statement(*found->second);
}

void Connection::check_deadline() const {
  if (!deadline_ || std::chrono::steady_clock::now() < *deadline_) return;
  throw DatabaseError(DatabaseError::Cause::kDeadline, "its time is over");
}

Deadline::Deadline(Connection& connection, std::chrono::milliseconds time) : connection_(connection) {
  connection_.deadline_ = std::chrono::steady_clock::now() + time;
  connection_.apply_deadline();
}

Deadline::~Deadline() {
  connection_.deadline_.reset();
  try {
    connection_.apply_deadline();
  } catch (const DatabaseError&) {  // NOLINT(bugprone-empty-catch): the connection is lost, as who uses it will notice
  }
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
