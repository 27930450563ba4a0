#include "collector/storage/database_url.h"

namespace trapline::collector {

core::Result<DatabaseUrl> parse_database_url(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) return DatabaseUrl{true, std::string(url)};
  if (url.starts_with(kSqlite) && url.size() > kSqlite.size()) {
    return DatabaseUrl{false, std::string(url.substr(kSqlite.size()))};
  }
  // Behind the scheme may be a password.
  return core::Error{"invalid_database_url", "'" + std::string(url.substr(0, url.find(':'))) +
                                                 ":' is not a database this version knows: write sqlite:PATH or "
                                                 "postgres://USER:PASSWORD@HOST:PORT/NAME"};
}

}  // namespace trapline::collector
