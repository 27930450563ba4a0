#pragma once

#include <string>
#include <string_view>

namespace trapline::collector::postgres {

/// A statement of the shared tables (sql/connection.h) as PostgreSQL takes it: its parameters are `$1`, and LIKE is
/// ILIKE. What is quoted stays as it is.
std::string to_postgres(std::string_view sql);

}  // namespace trapline::collector::postgres
