#pragma once

/// The schema's versions. Migration N brings a database from version N-1 to N; they only go forward. The version is
/// SQLite's own `user_version`.

#include <span>
#include <string_view>

#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// The texts of migrations/*.sql in order; the first one makes version 1.
std::span<const std::string_view> migration_texts();

/// The database was migrated by a newer collector.
class SchemaTooNew : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Applies the migrations that the database lacks, all in one transaction. Throws SchemaTooNew, and then has changed
/// nothing, when its version is higher than ours.
void migrate(Connection& connection, std::span<const std::string_view> migrations = migration_texts());

}  // namespace trapline::collector::sqlite
