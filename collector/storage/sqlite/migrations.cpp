#include "collector/storage/sqlite/migrations.h"

#include <string>

namespace trapline::collector::sqlite {

void migrate(Connection& connection, std::span<const std::string_view> migrations) {
  // Inside the transaction, so that of two processes starting at once only one migrates.
  Transaction transaction(connection);
  std::size_t version = 0;
  {
    Statement query = connection.prepare("PRAGMA user_version");
    if (query.step()) version = static_cast<std::size_t>(query.integer(0));
  }
  if (version > migrations.size()) {
    throw SchemaTooNew("the database has schema version " + std::to_string(version) + ", this collector knows up to " +
                       std::to_string(migrations.size()) + ": run the newer version that has used it before");
  }
  if (version == migrations.size()) return;
  for (const std::string_view migration : migrations.subspan(version)) connection.execute(std::string(migration));
  connection.execute("PRAGMA user_version = " + std::to_string(migrations.size()));
  transaction.commit();
}

}  // namespace trapline::collector::sqlite
