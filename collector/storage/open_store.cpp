#include "collector/storage/open_store.h"

#include <exception>
#include <utility>

#include "collector/storage/database_url.h"
#include "collector/storage/postgres/postgres_store.h"
#include "collector/storage/sqlite/sqlite_store.h"

namespace trapline::collector {

Result<std::unique_ptr<Store>> open_store(std::string_view database_url, const core::Clock& clock,
                                          const StoreOptions& options) {
  const auto url = parse_database_url(database_url);
  if (!url) return url.error();
  std::unique_ptr<FileStore> files;
  try {
    files = open_files(*url, options.files, options.bucket);
  } catch (const std::exception& error) {
    return Error{"invalid_files", error.what()};
  }
  if (url->is_postgres) {
    return postgres::PostgresStore::open(url->place, {clock, std::move(files), Sealer(options.keys)});
  }
  return sqlite::SqliteStore::open(url->place, {clock, std::move(files), Sealer(options.keys)});
}

}  // namespace trapline::collector
