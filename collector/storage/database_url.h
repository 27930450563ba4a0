#pragma once

#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::collector {

/// Which engine a database URL names. One of the two is empty.
struct DatabaseUrl {
  std::string sqlite_path;
  std::string postgres;  ///< the URL as it is, as libpq takes it

  /// Error: "invalid_database_url".
  static core::Result<DatabaseUrl> parse(std::string_view url);
};

}  // namespace trapline::collector
