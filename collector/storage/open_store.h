#pragma once

#include <memory>
#include <string_view>

#include "collector/storage/store.h"
#include "collector/storage/store_options.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// Opens the database that a URL names, creating or migrating it as needed: "sqlite:PATH", "postgres://…". Errors:
/// "invalid_database_url", "schema_too_new" when a newer version of the collector has migrated it, "unfinished_move"
/// (migrate_store.h), "missing_key" when something in it is sealed with a key that was not given, "storage". `clock`
/// must outlive the store; it tells which day is today.
Result<std::unique_ptr<Store>> open_store(std::string_view database_url,
                                          const core::Clock& clock = core::system_clock(),
                                          const StoreOptions& options = {});

}  // namespace trapline::collector
