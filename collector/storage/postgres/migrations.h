#pragma once

#include <span>
#include <string_view>

namespace trapline::collector::postgres {

/// The texts of migrations/*.sql in order; the first one makes version 1.
std::span<const std::string_view> migration_texts();

}  // namespace trapline::collector::postgres
