#include "collector/storage/open_store.h"

#include <string>

#include "collector/storage/postgres/postgres_store.h"
#include "collector/storage/sqlite/sqlite_store.h"

namespace trapline::collector {

Result<std::unique_ptr<Store>> open_store(std::string_view database_url, const core::Clock& clock) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (database_url.starts_with("postgres://") || database_url.starts_with("postgresql://")) {
    return postgres::PostgresStore::open(std::string(database_url), clock);
  }
  if (!database_url.starts_with(kSqlite) || database_url.size() == kSqlite.size()) {
    return Error{"invalid_database_url", "'" + std::string(database_url) +
                                             "' is not a database this version knows: write sqlite:PATH or "
                                             "postgres://USER:PASSWORD@HOST:PORT/NAME"};
  }
  return sqlite::SqliteStore::open(std::string(database_url.substr(kSqlite.size())), clock);
}

}  // namespace trapline::collector
