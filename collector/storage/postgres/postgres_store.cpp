#include "collector/storage/postgres/postgres_store.h"

#include <algorithm>
#include <string_view>

#include "collector/storage/postgres/migrations.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/migrations.h"

namespace trapline::collector::postgres {
namespace {

using sql::DatabaseError;

/// After a failure nobody tries to connect for so long; twice as long after each further one.
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};

/// The name is the connection's as long as it lives. 0x74726170 stands for us among the database's locks.
bool take_name(Connection& connection, const std::string& node) {
  sql::Statement lock = connection.prepare("SELECT CAST(pg_try_advisory_lock(1953653104, hashtext(?)) AS INTEGER)");
  lock.bind(std::string_view(node));
  lock.step();
  return lock.integer(0) != 0;
}

}  // namespace

Result<std::unique_ptr<Store>> PostgresStore::open(const std::string& url, sql::StoreParts parts) {
  try {
    std::unique_ptr<PostgresStore> store(new PostgresStore(url, std::move(parts)));
    store->start();
    return std::unique_ptr<Store>(std::move(store));
  } catch (...) {
    return sql::error_of_current_exception();
  }
}

Status PostgresStore::claim(std::string_view node) {
  set_node(std::string(node));
  // The writing connection takes the name, and so does each that comes after it.
  Status status = reconnect_writer();
  if (!status) set_node({});
  return status;
}

void PostgresStore::listen(OthersListener listener) {
  listener_ = std::make_unique<NewsListener>(
      node(), [this] { return connect(); }, std::move(listener));
}

Status PostgresStore::tell_use(std::span<const QuotaUse> used) {
  if (used.empty() || listener_ == nullptr) return {};
  OthersNews news;
  news.used.assign(used.begin(), used.end());
  return notify(news);
}

void PostgresStore::tell_others(sql::Connection& connection, const OthersNews& news) {
  for (const std::string& text : to_notifications(node(), news)) {
    connection.prepare("SELECT pg_notify(?, ?)").bind(kChannel, std::string_view(text)).run();
  }
}

std::unique_ptr<Connection> PostgresStore::connect() {
  const std::lock_guard lock(mutex_);
  if (!error_.empty() && std::chrono::steady_clock::now() < next_try_) {
    throw DatabaseError(DatabaseError::Cause::kDatabase, error_);
  }
  try {
    auto connection = std::make_unique<Connection>(url_);
    error_.clear();
    pause_ = {};
    return connection;
  } catch (const DatabaseError& error) {
    error_ = error.what();
    pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
    next_try_ = std::chrono::steady_clock::now() + pause_;
    throw;
  }
}

std::shared_ptr<void> PostgresStore::lock_erasures() {
  auto connection = std::make_shared<Connection>(url_);
  if (!take_name(*connection, "trapline purge")) return nullptr;
  return connection;
}

std::unique_ptr<sql::Connection> PostgresStore::connect_reader() { return connect(); }

std::int64_t PostgresStore::measure_bytes(sql::Connection& reader) {
  sql::Statement size = reader.prepare(
      "SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) FROM pg_class WHERE relkind = 'r' "
      "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())");
  return size.step() ? size.integer(0) : 0;
}

/// The connection that has the lock keeps it as long as it lives.
bool PostgresStore::may_retain(sql::Connection& writer) {
  sql::Statement lock = writer.prepare(
      "SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1953653104 "
      "AND objid = CAST(hashtext('trapline retention') AS BIGINT) & 4294967295 AND pid = pg_backend_pid()) THEN 1 "
      "ELSE CAST(pg_try_advisory_lock(1953653104, hashtext('trapline retention')) AS INTEGER) END");
  return lock.step() && lock.integer(0) != 0;
}

std::unique_ptr<sql::Connection> PostgresStore::connect_writer() {
  auto connection = connect();
  if (connection->schema_version() < migration_texts().size()) {
    Connection patient(url_);  // some migrations go through all rows, and others may be at it already
    patient.take_time();
    patient.execute("SET lock_timeout = 0");
    sql::migrate(patient, migration_texts());
  }
  sql::migrate(*connection, migration_texts());
  if (!node().empty() && !take_name(*connection, node())) {
    throw sql::Refusal("database_in_use",
                       "another trapline-collector digests the same spool into this database: stop it, or give each of "
                       "them its own folder with --data");
  }
  // All that writing looks up has an index: one plan for each statement will do, and none that was made while a table
  // was small may read all of it later.
  connection->execute(
      "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; "
      "SET enable_mergejoin = off");
  return connection;
}

}  // namespace trapline::collector::postgres
