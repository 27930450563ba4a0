#pragma once

#include <optional>
#include <span>
#include <vector>

#include "collector/storage/ingest_settings.h"
#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// IngestStore on one connection. A false answer, or none, means that there is no such project or key.
IngestDirectory load_ingest_directory(Connection& connection);
std::optional<IngestSettings> find_ingest_settings(Connection& connection, ProjectId project);
bool set_ingest_settings(Connection& connection, ProjectId project, const IngestSettings& settings);

enum class NewKeyOutcome { kCreated, kNoProject, kExists };
NewKeyOutcome create_key(Connection& connection, const ProjectKey& key, UnixMillis now);
bool update_key(Connection& connection, const ProjectKey& key);

void add_refusals(Connection& connection, std::span<const RefusalCount> counts);
std::vector<RefusalCount> find_refusals(Connection& connection, ProjectId project, UnixMillis from, UnixMillis to);

}  // namespace trapline::collector::sqlite
