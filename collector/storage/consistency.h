#pragma once

/// Whether what a database holds fits together: its own structure, rows whose owner is gone, and counters against what
/// they count. Works beside a running collector: it reads in slices, each of which is one moment of the database, and
/// mends in short transactions that look again before they change anything.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/key_rotation.h"
#include "collector/storage/store.h"
#include "collector/storage/store_options.h"

namespace trapline::collector {

struct CheckOptions {
  bool repairs = false;  ///< mends what can be mended
  bool is_deep = false;  ///< unpacks every event and every file, too
  StoreOptions store = {};
  /// Is told what is looked at next.
  std::function<void(std::string_view what)> on_step = [](std::string_view) {};
};

/// What was found of one kind of fault.
struct CheckFinding {
  std::string what;  ///< "events without a group hash"
  std::int64_t faults = 0;
  std::int64_t mended = 0;
  std::vector<std::string> examples;  ///< of the faults, a few
};

struct CheckReport {
  std::vector<CheckFinding> findings;  ///< one for each kind that was looked for
  std::vector<SealCount> seals;        ///< by key; empty when nothing was ever sealed

  [[nodiscard]] std::int64_t faults() const;
  /// Faults that are still there.
  [[nodiscard]] std::int64_t left() const;
};

/// Checks the database that a URL names (open_store.h). It must be there, and of the schema that this collector
/// writes. Errors: "not_found", "missing_key", "schema_too_old", "schema_too_new", "invalid_database_url", "storage".
Result<CheckReport> check_store(std::string_view database_url, const CheckOptions& options = {});

}  // namespace trapline::collector
