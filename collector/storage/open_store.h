#pragma once

#include <memory>
#include <string_view>

#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// Opens the database that a URL names, creating or migrating it as needed: "sqlite:PATH", "postgres://…". Errors:
/// "invalid_database_url", "schema_too_new" when a newer version of the collector has migrated it, "unfinished_move"
/// (migrate_store.h), "storage". `clock` must outlive the store; it tells which day is today.
Result<std::unique_ptr<Store>> open_store(std::string_view database_url,
                                          const core::Clock& clock = core::system_clock());

}  // namespace trapline::collector
