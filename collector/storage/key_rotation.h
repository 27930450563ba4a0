#pragma once

/// Sealing everything that is stored with another key, or with one at all (sealing.h).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/store.h"
#include "collector/storage/store_options.h"

namespace trapline::collector {

struct RotationOptions {
  StoreOptions store;
  /// Is told how many rows and files of how many were looked at; false breaks it off.
  std::function<bool(std::string_view what, std::int64_t done, std::int64_t total)> on_progress =
      [](std::string_view, std::int64_t, std::int64_t) { return true; };
};

struct RotationReport {
  std::int64_t rows = 0;  ///< that were sealed anew
  std::int64_t files = 0;
  std::int64_t unreadable = 0;       ///< rows and files that are damaged or missing: they stay as they are
  std::vector<KeyId> retired;        ///< keys that nothing is sealed with any more
  std::vector<KeyId> still_sealing;  ///< others, with which a collector has sealed meanwhile
};

/// Seals everything that is not sealed with the first key, in short transactions: collectors may run meanwhile. They
/// must have the new key before, else they cannot read what this seals. Broken off, it is begun anew and passes quickly
/// over what is done. Errors: "no_key", "missing_key", "broken_off", "not_found", "schema_too_old", "schema_too_new",
/// "invalid_database_url", "storage".
Result<RotationReport> rotate_keys(std::string_view database_url, const RotationOptions& options);

/// How much is sealed with a key.
struct SealCount {
  std::optional<KeyId> key;  ///< nothing: not sealed
  std::int64_t rows = 0;
  std::int64_t files = 0;
};

}  // namespace trapline::collector
