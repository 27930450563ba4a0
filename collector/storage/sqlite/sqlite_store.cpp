#include "collector/storage/sqlite/sqlite_store.h"

#include "collector/storage/sql/migrations.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/migrations.h"
#include "collector/storage/sqlite/schema_functions.h"

namespace trapline::collector::sqlite {

Result<std::unique_ptr<Store>> SqliteStore::open(const std::string& path, sql::StoreParts parts) {
  try {
    std::unique_ptr<SqliteStore> store(new SqliteStore(path, std::move(parts)));
    store->start();
    return std::unique_ptr<Store>(std::move(store));
  } catch (...) {
    return sql::error_of_current_exception();
  }
}

std::unique_ptr<sql::Connection> SqliteStore::connect_reader() { return std::make_unique<Connection>(path_); }

std::unique_ptr<sql::Connection> SqliteStore::connect_writer() { return open_newest(path_); }

std::unique_ptr<sql::Connection> open_newest(const std::string& path) {
  auto connection = std::make_unique<Connection>(path);
  // A random index (event ids) is written all over: the fewer times its pages go from the log into the file, the
  // better.
  connection->execute("PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16384;");
  add_schema_functions(connection->handle());
  sql::migrate(*connection, migration_texts());
  return connection;
}

// One file has one digester, so that nobody asks for its name.
Status SqliteStore::claim(std::string_view /*node*/) {
  auto lock = FileLock::take(path_ + ".lock");
  if (!lock && lock.error().code == "in_use") {
    return Error{"database_in_use", "another trapline-collector is serving from the database " + path_ +
                                        ": stop it, or choose another one with --database"};
  }
  if (!lock) return lock.error();
  claim_ = std::move(*lock);
  return {};
}

}  // namespace trapline::collector::sqlite
