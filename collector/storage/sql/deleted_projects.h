#pragma once

/// Projects end in two steps. delete_project() makes everything of one unreachable at once: its keys and settings are
/// gone, its name is free, what is left of it is shown and stored no more. sweep_deleted_projects() then removes the
/// rows, some at a time, so that digestion, which writes by the same connection, never waits long.

#include <cstdint>

#include "collector/storage/sql/connection.h"
#include "collector/storage/store.h"

namespace trapline::collector::sql {

/// Narrows a question about rows with a project_id to projects that are there. Not IN (live ones): that would tempt the
/// planner away from the index that gives the order.
constexpr std::string_view kOfLiveProject = "project_id NOT IN (SELECT id FROM project WHERE deleted_at IS NOT NULL)";

/// False when there is no such project.
bool delete_project(Connection& connection, ProjectId project, UnixMillis now);

bool has_deleted_projects(Connection& connection);

/// Deletes about `most_rows` rows of deleted projects in one transaction. False when nothing is left to do.
bool sweep_deleted_projects(Connection& connection, std::int64_t most_rows);

}  // namespace trapline::collector::sql
