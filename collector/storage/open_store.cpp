#include "collector/storage/open_store.h"

#include "collector/storage/database_url.h"
#include "collector/storage/postgres/postgres_store.h"
#include "collector/storage/sqlite/sqlite_store.h"

namespace trapline::collector {

Result<std::unique_ptr<Store>> open_store(std::string_view database_url, const core::Clock& clock,
                                          const StoreOptions& options) {
  const auto url = parse_database_url(database_url);
  if (!url) return url.error();
  if (url->is_postgres)
    return postgres::PostgresStore::open(url->place, {clock, open_files(*url, options.files), Sealer(options.keys)});
  return sqlite::SqliteStore::open(url->place, {clock, open_files(*url, options.files), Sealer(options.keys)});
}

}  // namespace trapline::collector
