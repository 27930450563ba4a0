#pragma once

#include <string>
#include <vector>

#include "collector/storage/sqlite/connection.h"

namespace trapline::tests {

/// A collector's database, opened beside it.
class Database {
 public:
  explicit Database(const std::string& path) : connection_(path) {}

  void run(const char* sql) { connection_.execute(sql); }
  /// The first column of every row.
  std::vector<std::string> texts(const char* sql) {
    std::vector<std::string> rows;
    collector::sqlite::Statement statement = connection_.prepare(sql);
    while (statement.step()) rows.emplace_back(statement.text(0));
    return rows;
  }

 private:
  collector::sqlite::Connection connection_;
};

}  // namespace trapline::tests
