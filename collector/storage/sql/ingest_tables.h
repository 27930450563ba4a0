#pragma once

#include <optional>
#include <span>
#include <vector>

#include "collector/storage/ingest_settings.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/store.h"

namespace trapline::collector::sql {

/// IngestStore on one connection. A false answer, or none, means that there is no such project or key.
IngestDirectory load_ingest_directory(Connection& connection);
std::optional<IngestSettings> find_ingest_settings(Connection& connection, ProjectId project);
/// Throws a Refusal.
void change_project(Connection& connection, ProjectId project, const ProjectEdit& edit);

enum class NewKeyOutcome { kCreated, kNoProject, kExists };
NewKeyOutcome create_key(Connection& connection, const ProjectKey& key);
std::vector<ProjectKey> list_keys(Connection& connection, ProjectId project);
std::optional<ProjectKey> change_key(Connection& connection, std::string_view public_key, const KeyChange& change);
bool delete_key(Connection& connection, std::string_view public_key);

void add_refusals(Connection& connection, std::span<const RefusalCount> counts);
std::vector<RefusalCount> find_refusals(Connection& connection, ProjectId project, UnixMillis from, UnixMillis to);

}  // namespace trapline::collector::sql
