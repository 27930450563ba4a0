#pragma once

/// What decides whether a request is let in, as the store keeps it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/records.h"

namespace trapline::collector {

/// Limits for those who want one and do not know which: events an hour.
constexpr std::int64_t kFreeRateLimitPerHour = 1'000;
constexpr std::int64_t kProRateLimitPerHour = 10'000;

/// How much of an hour's limit was used; less than nothing was given back. `name` is the limit's.
struct QuotaUse {
  std::string name;
  std::int64_t count = 0;
  bool operator==(const QuotaUse&) const = default;
};

/// A project's switches. The defaults let everything in that has a key.
struct IngestSettings {
  bool require_signature = false;
  std::vector<std::string> allowed_origins;  ///< of pages: "https://shop.example", "*.example"; none: any
  std::vector<std::string> allowed_ips;      ///< addresses and CIDR ranges, v4 and v6; none: any
  std::int64_t rate_limit_per_hour = 0;      ///< events; 0: no limit
  std::int64_t retention_days = 0;           ///< for which events are kept; 0: as the collector is set (retention.h)
};

struct ProjectKey {
  std::string public_key;  ///< 32 lower-case hex digits
  std::string secret_key;  ///< the same, for signatures; empty: it has none
  ProjectId project_id = 0;
  bool is_active = true;
  std::int64_t rate_limit_per_hour = 0;  ///< events; 0: no limit
  UnixMillis created_at = 0;             ///< the store's to set
};

/// What of a key is to be changed.
struct KeyChange {
  std::optional<bool> is_active;
  std::optional<std::int64_t> rate_limit_per_hour;
};

/// All of it at one moment.
struct IngestDirectory {
  struct Entry {
    ProjectId project_id = 0;
    IngestSettings settings;
  };
  std::vector<Entry> projects;
  std::vector<ProjectKey> keys;  ///< active and disabled ones
};

/// The reason under which events are counted that were there already: in the ledger, not among the refusals.
constexpr std::string_view kDuplicateReason = "duplicate";

/// Refused events and requests of one project, hour and reason.
struct RefusalCount {
  ProjectId project_id = 0;
  UnixMillis hour = 0;  ///< its start, UTC
  std::string reason;   ///< the error code
  std::int64_t count = 0;
};

}  // namespace trapline::collector
