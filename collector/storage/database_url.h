#pragma once

#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::collector {

/// Where a database is.
struct DatabaseUrl {
  bool is_postgres = false;
  std::string place;  ///< the file's path, or the URL that libpq takes
};

/// Of "sqlite:PATH" or "postgres://…". Error: "invalid_database_url".
core::Result<DatabaseUrl> parse_database_url(std::string_view url);

}  // namespace trapline::collector
