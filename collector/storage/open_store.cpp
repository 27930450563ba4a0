#include "collector/storage/open_store.h"

#include <string>

#include "collector/storage/database_url.h"
#include "collector/storage/postgres/postgres_store.h"
#include "collector/storage/sqlite/sqlite_store.h"

namespace trapline::collector {

Result<std::unique_ptr<Store>> open_store(std::string_view database_url, const core::Clock& clock) {
  const auto url = DatabaseUrl::parse(database_url);
  if (!url) return url.error();
  if (!url->postgres.empty()) return postgres::PostgresStore::open(url->postgres, clock);
  return sqlite::SqliteStore::open(url->sqlite_path, clock);
}

}  // namespace trapline::collector
