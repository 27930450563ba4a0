#include "collector/storage/sql/migrations.h"

#include <string>

namespace trapline::collector::sql {

void migrate(Connection& connection, std::span<const std::string_view> migrations) {
  // Inside the transaction, so that of two processes starting at once only one migrates.
  Transaction transaction(connection);
  const std::size_t version = connection.schema_version();
  if (version > migrations.size()) {
    throw SchemaTooNew("the database has schema version " + std::to_string(version) + ", this collector knows up to " +
                       std::to_string(migrations.size()) + ": run the newer version that has used it before");
  }
  if (version == migrations.size()) return;
  for (const std::string_view migration : migrations.subspan(version)) connection.execute(std::string(migration));
  connection.set_schema_version(migrations.size());
  transaction.commit();
}

}  // namespace trapline::collector::sql
