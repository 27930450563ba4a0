#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// ProjectStore on one connection. create_project() answers nothing when the name is taken.
std::optional<Project> create_project(Connection& connection, std::string_view name, std::string_view public_key,
                                      UnixMillis now);
std::vector<Project> list_projects(Connection& connection);
std::optional<Project> find_project(Connection& connection, ProjectId id);
std::optional<Project> find_project_by_key(Connection& connection, std::string_view public_key);

}  // namespace trapline::collector::sql
