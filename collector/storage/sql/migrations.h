#pragma once

/// The schema's versions. Migration N brings a database from version N-1 to N; they only go forward. Each engine has
/// its own texts (sqlite/migrations, postgres/migrations), for the same tables.

#include <span>
#include <stdexcept>
#include <string_view>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// The database was migrated by a newer collector.
class SchemaTooNew : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws SchemaTooNew when `version` is higher than ours.
void refuse_newer_schema(std::size_t version, std::size_t ours);

/// Throws SchemaTooNew as well, and Refusal "schema_too_old" for an older one: for who does not migrate.
void require_newest_schema(Connection& connection, std::size_t ours);

/// Applies the migrations that the database lacks, all in one transaction. Throws SchemaTooNew, and then has changed
/// nothing, when its version is higher than ours.
void migrate(Connection& connection, std::span<const std::string_view> migrations);

}  // namespace trapline::collector::sql
