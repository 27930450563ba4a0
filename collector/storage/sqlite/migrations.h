#pragma once

#include <span>
#include <string_view>

namespace trapline::collector::sqlite {

/// The texts of migrations/*.sql in order; the first one makes version 1. The version is SQLite's own `user_version`.
std::span<const std::string_view> migration_texts();

}  // namespace trapline::collector::sqlite
