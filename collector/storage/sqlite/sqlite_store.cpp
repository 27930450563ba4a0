#include "collector/storage/sqlite/sqlite_store.h"

#include <utility>

#include "collector/storage/sql/counter_checks.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/migrations.h"
#include "collector/storage/sqlite/old_text_index.h"
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

std::unique_ptr<sql::Connection> SqliteStore::connect_reader() {
  auto connection = std::make_unique<Connection>(path_, pool_);
  // A list that few issues are in looks at all of them, twenty thousand in 9 MB, in no order of the file's.
  connection->execute("PRAGMA cache_size = -12288");
  return connection;
}

std::unique_ptr<sql::Connection> SqliteStore::connect_writer() { return open_newest(path_, pool_); }

namespace {

/// On a full disk it waits until there is room: the connection counts as lost, so that who writes next tries again.
void take_back_unfinished(Connection& connection) {
  try {
    Transaction transaction(connection);
    for (const std::int64_t hash : connection.days().recover()) sql::recount_hash(connection, hash);
    // No statement has written to `event`, so that SQLite does not call for these.
    connection.days().sync();
    transaction.commit();
    connection.days().end();
  } catch (const SqliteError& error) {
    // Of files that need room to be read it says that they cannot be opened.
    const bool is_for_want_of_room =
        error.code() == SQLITE_FULL || error.code() == SQLITE_IOERR || error.code() == SQLITE_CANTOPEN;
    if (!is_for_want_of_room) throw;
    connection.days().put_off_recovery();
  }
}

}  // namespace

std::unique_ptr<sql::Connection> open_newest(const std::string& path, std::shared_ptr<DayPool> pool) {
  auto connection = std::make_unique<Connection>(path, std::move(pool));
  connection->execute("PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -4096;");
  add_schema_functions(connection->handle());
  sql::migrate(*connection, migration_texts());
  take_over_old_texts(*connection);
  take_back_unfinished(*connection);
  return connection;
}

std::int64_t SqliteStore::measure_bytes(sql::Connection& reader) {
  auto& connection = static_cast<Connection&>(reader);
  Statement pages = connection.prepare("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  const std::int64_t bytes = pages.step() ? pages.integer(0) : 0;
  return bytes + connection.days().measure_bytes();
}

std::shared_ptr<void> SqliteStore::lock_erasures() {
  auto lock = FileLock::take(path_ + ".purge-lock");
  if (lock) return std::move(*lock);
  if (lock.error().code == "in_use") return nullptr;
  throw sql::Refusal(lock.error().code, lock.error().message);
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
