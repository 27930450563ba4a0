#include "collector/storage/database_url.h"

namespace trapline::collector {

core::Result<DatabaseUrl> DatabaseUrl::parse(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) return DatabaseUrl{{}, std::string(url)};
  if (url.starts_with(kSqlite) && url.size() > kSqlite.size()) {
    return DatabaseUrl{std::string(url.substr(kSqlite.size())), {}};
  }
  return core::Error{"invalid_database_url", "'" + std::string(url) +
                                                 "' is not a database this version knows: write sqlite:PATH or "
                                                 "postgres://USER:PASSWORD@HOST:PORT/NAME"};
}

}  // namespace trapline::collector
