#include "collector/storage/sql/migrations.h"

#include <string>

#include "collector/storage/sql/issue_changes.h"

namespace trapline::collector::sql {

void refuse_newer_schema(std::size_t version, std::size_t ours) {
  if (version <= ours) return;
  throw SchemaTooNew("the database has schema version " + std::to_string(version) + ", this collector knows up to " +
                     std::to_string(ours) + ": run the newer version that has used it before");
}

void require_newest_schema(Connection& connection, std::size_t ours) {
  const std::size_t version = connection.schema_version();
  refuse_newer_schema(version, ours);
  if (version == ours) return;
  throw Refusal("schema_too_old", "the database has schema version " + std::to_string(version) +
                                      ", this collector writes " + std::to_string(ours) +
                                      ": start trapline-collector serve on it once, which migrates it");
}

void migrate(Connection& connection, std::span<const std::string_view> migrations) {
  // Inside the transaction, so that of two processes starting at once only one migrates.
  Transaction transaction(connection);
  const std::size_t version = connection.schema_version();
  refuse_newer_schema(version, migrations.size());
  if (version == migrations.size()) return;
  for (const std::string_view migration : migrations.subspan(version)) connection.execute(std::string(migration));
  connection.set_schema_version(migrations.size());
  transaction.commit();
}

}  // namespace trapline::collector::sql
