#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/postgres/connection.h"
#include "collector/storage/sqlite/connection.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace trapline::tests {

/// Whether this run of the tests is about PostgreSQL: with TRAPLINE_TEST_ENGINE=postgres all stores that tests make are
/// on a server.
inline bool is_on_postgres() {
  const char* engine = std::getenv("TRAPLINE_TEST_ENGINE");
  return engine != nullptr && std::string_view(engine) == "postgres";
}

/// An empty database of the engine that this run is about; opened anew it is what it was.
class TestDatabase {
 public:
  TestDatabase() {
    if (is_on_postgres()) {
      static PostgresServer server;
      static std::atomic<int> count{0};
      url_ = server.url_of_schema("test_" + std::to_string(++count));
    } else {
      url_ = "sqlite:" + folder_.path("t.db");
    }
  }

  [[nodiscard]] const std::string& url() const { return url_; }

  /// A connection beside the store's.
  [[nodiscard]] std::unique_ptr<collector::sql::Connection> connect() const {
    if (is_on_postgres()) return std::make_unique<collector::postgres::Connection>(url_);
    return std::make_unique<collector::sqlite::Connection>(folder_.path("t.db"));
  }

  [[nodiscard]] std::vector<std::string> tables() const {
    const auto connection = connect();
    collector::sql::Statement names = connection->prepare(
        is_on_postgres() ? "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relkind IN ('r', 'p') "
                           "AND NOT relispartition AND CAST(relnamespace AS regnamespace) = "
                           "CAST(quote_ident(current_schema()) AS regnamespace)"
                         : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    std::vector<std::string> tables;
    while (names.step()) tables.emplace_back(names.text(0));
    return tables;
  }

  /// What it takes on the disk; of SQLite when it is closed.
  [[nodiscard]] std::int64_t bytes() const {
    if (!is_on_postgres()) return bytes_of_files();
    const auto connection = connect();
    collector::sql::Statement size = connection->prepare(
        "SELECT CAST(sum(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class WHERE relkind = 'r' "
        "AND CAST(relnamespace AS regnamespace) = CAST(quote_ident(current_schema()) AS regnamespace)");
    size.step();
    return size.integer(0);
  }

  /// The database's own file, of SQLite.
  [[nodiscard]] std::string path() const { return folder_.path("t.db"); }

 private:
  [[nodiscard]] std::int64_t bytes_of_files() const {
    auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path()));
    const std::filesystem::path days = path() + ".days";
    if (!std::filesystem::exists(days)) return bytes;
    for (const auto& day : std::filesystem::directory_iterator(days)) {
      bytes += static_cast<std::int64_t>(day.file_size());
    }
    return bytes;
  }

  TemporaryFolder folder_;
  std::string url_;
};

}  // namespace trapline::tests
