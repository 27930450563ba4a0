#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sqlite3.h>

namespace trapline::tests {

/// A collector's database, opened beside it.
class Database {
 public:
  explicit Database(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &database_) == SQLITE_OK); }
  ~Database() { sqlite3_close(database_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const char* sql) {
    REQUIRE_MESSAGE(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(database_));
  }
  /// The first column of every row.
  std::vector<std::string> texts(const char* sql) {
    std::vector<std::string> rows;
    const auto take = [](void* into, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(into)->emplace_back(values[0] != nullptr ? values[0] : "");
      return 0;
    };
    REQUIRE(sqlite3_exec(database_, sql, take, &rows, nullptr) == SQLITE_OK);
    return rows;
  }

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace trapline::tests
