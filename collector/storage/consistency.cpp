#include "collector/storage/consistency.h"

#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "collector/storage/database_url.h"
#include "collector/storage/postgres/connection.h"
#include "collector/storage/postgres/migrations.h"
#include "collector/storage/sql/consistency_check.h"
#include "collector/storage/sql/encryption_keys.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/key_rotation.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sql/sql_store.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/integrity.h"
#include "collector/storage/sqlite/migrations.h"
#include "sdk/core/clock.h"

namespace trapline::collector {
namespace {

void check_tables(sql::Connection& connection, const CheckOptions& options, FileStore* files, CheckReport& report) {
  const Sealer sealer(options.store.keys);
  sql::require_keys(connection, sealer);
  const sql::CheckContext context{core::system_clock().unix_millis(), options.is_deep, files, sealer};
  for (const sql::Check& check : sql::table_checks(context)) {
    report.findings.push_back(sql::run_check(connection, check, options));
  }
  report.seals = sql::count_seals(connection, files);
}

CheckReport check_postgres(const std::string& url, const CheckOptions& options, FileStore* files) {
  postgres::Connection connection(url);
  // Looking at all rows takes longer than the store's own work ever does.
  connection.take_time();
  sql::require_newest_schema(connection, postgres::migration_texts().size());
  CheckReport report;
  check_tables(connection, options, files, report);
  return report;
}

CheckReport check_sqlite(const std::string& path, const CheckOptions& options, FileStore* files) {
  if (!std::filesystem::exists(path)) throw sql::Refusal("not_found", "there is no database file " + path);
  CheckReport report;
  options.on_step("the file's structure");
  report.findings.push_back(sqlite::check_file(path));
  // What is read from a damaged file means nothing, and writing would make it worse.
  if (report.faults() > 0) return report;
  sqlite::Connection connection(path);
  sql::require_newest_schema(connection, sqlite::migration_texts().size());
  options.on_step("the structure of the days' files");
  report.findings.push_back(sqlite::check_days(connection, options.repairs));
  check_tables(connection, options, files, report);
  options.on_step("references between tables");
  report.findings.push_back(sqlite::check_references(connection));
  return report;
}

}  // namespace

std::int64_t CheckReport::faults() const {
  std::int64_t sum = 0;
  for (const CheckFinding& finding : findings) sum += finding.faults;
  return sum;
}

std::int64_t CheckReport::left() const {
  std::int64_t sum = 0;
  for (const CheckFinding& finding : findings) sum += finding.faults - finding.mended;
  return sum;
}

Result<CheckReport> check_store(std::string_view database_url, const CheckOptions& options) {
  const auto url = parse_database_url(database_url);
  if (!url) return url.error();
  try {
    const auto files = open_files(*url, options.store.files, options.store.bucket);
    return url->is_postgres ? check_postgres(url->place, options, files.get())
                            : check_sqlite(url->place, options, files.get());
  } catch (...) {
    return sql::error_of_current_exception();
  }
}

}  // namespace trapline::collector
