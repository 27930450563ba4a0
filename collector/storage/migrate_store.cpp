#include "collector/storage/migrate_store.h"

#include <filesystem>
#include <memory>

#include "collector/storage/database_url.h"
#include "collector/storage/postgres/postgres_move_end.h"
#include "collector/storage/sql/sql_store.h"
#include "collector/storage/sql/store_copy.h"
#include "collector/storage/sqlite/sqlite_move_end.h"
#include "collector/storage/store_options.h"

namespace trapline::collector {
namespace {

using End = sqlite::SqliteMoveEnd::Role;

std::unique_ptr<sql::MoveEnd> open_end(const DatabaseUrl& url, End end) {
  if (url.is_postgres) return std::make_unique<postgres::PostgresMoveEnd>(url.place);
  return std::make_unique<sqlite::SqliteMoveEnd>(url.place, end);
}

core::Status check_pair(const DatabaseUrl& from, const DatabaseUrl& to) {
  if (from.is_postgres && to.is_postgres) {
    return core::Error{"invalid_database_url",
                       "both are PostgreSQL: between its servers pg_dump and pg_restore move a database"};
  }
  std::error_code none;
  if (!from.is_postgres && !to.is_postgres &&
      (from.place == to.place || std::filesystem::equivalent(from.place, to.place, none))) {
    return core::Error{"invalid_database_url", "both are the file " + from.place};
  }
  return {};
}

}  // namespace

core::Result<MigrationReport> migrate_store(const MigrationOptions& options) {
  const auto from = parse_database_url(options.from);
  if (!from) return from.error();
  const auto to = parse_database_url(options.to);
  if (!to) return to.error();
  if (const core::Status status = check_pair(*from, *to); !status) return status.error();
  try {
    const auto source = open_end(*from, End::kSource);
    const auto target = open_end(*to, End::kTarget);
    const auto from_files = open_files(*from, options.from_files, options.bucket);
    const auto to_files = open_files(*to, options.to_files, options.bucket);
    return sql::copy_store({*source, from_files.get()}, {*target, to_files.get()}, options);
  } catch (...) {
    return sql::error_of_current_exception();
  }
}

}  // namespace trapline::collector
