#include "collector/storage/key_rotation.h"

#include <filesystem>
#include <memory>
#include <string>

#include "collector/storage/database_url.h"
#include "collector/storage/postgres/connection.h"
#include "collector/storage/postgres/migrations.h"
#include "collector/storage/sql/encryption_keys.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/key_rotation.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sql/sql_store.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/migrations.h"
#include "sdk/core/clock.h"

namespace trapline::collector {
namespace {

std::unique_ptr<sql::Connection> connect(const DatabaseUrl& url) {
  if (url.is_postgres) {
    auto connection = std::make_unique<postgres::Connection>(url.place);
    connection->take_time();
    sql::require_newest_schema(*connection, postgres::migration_texts().size());
    return connection;
  }
  if (!std::filesystem::exists(url.place)) throw sql::Refusal("not_found", "there is no database file " + url.place);
  auto connection = std::make_unique<sqlite::Connection>(url.place);
  sql::require_newest_schema(*connection, sqlite::migration_texts().size());
  return connection;
}

}  // namespace

Result<RotationReport> rotate_keys(std::string_view database_url, const RotationOptions& options) {
  const auto url = parse_database_url(database_url);
  if (!url) return url.error();
  const Sealer sealer(options.store.keys);
  if (!sealer.is_on()) {
    return Error{"no_key",
                 "no encryption key was given: name a file with --encryption-key-file; the first key in it is "
                 "the one that everything is sealed with"};
  }
  try {
    const auto connection = connect(*url);
    sql::require_keys(*connection, sealer);
    const auto files = open_files(*url, options.store.files, options.store.bucket);
    return sql::rotate_keys(*connection, files.get(), sealer, options, core::system_clock().unix_millis());
  } catch (...) {
    return sql::error_of_current_exception();
  }
}

}  // namespace trapline::collector
