#pragma once

/// Which key opens which project, and under which conditions, as a snapshot of the database in memory: no request waits
/// for the database. The snapshot is taken anew by whoever calls refresh(), every two seconds, and at once (but not
/// more often than once a second) when somebody comes with a key that is not in it, so that a new project can be used
/// right away.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/ingest/address.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// A project's switches, ready to be asked.
struct ProjectGate {
  ProjectId project_id = 0;
  bool require_signature = false;
  std::vector<std::string> allowed_origins;  ///< empty: any
  std::vector<AddressRange> allowed_ips;
  bool has_ip_list = false;  ///< a list that names nothing readable lets nobody in
  std::int64_t rate_limit_per_hour = 0;

  /// Whether a page of this origin may send. A request without an origin comes from no page.
  [[nodiscard]] bool allows_origin(std::string_view origin) const;
  [[nodiscard]] bool allows_address(std::string_view address) const;
};

struct KeyFacts {
  std::string public_key;
  std::string secret_key;  ///< empty: it has none
  bool is_active = true;
  std::int64_t rate_limit_per_hour = 0;
  std::shared_ptr<const ProjectGate> gate;  ///< shared with other requests that are still using it
};

/// Thread-safe. Borrows the store.
class KeyDirectory {
 public:
  KeyDirectory(IngestStore& store, const core::Clock& clock) : store_(store), clock_(clock) {}

  /// Takes a snapshot now. On an error the one before stays.
  Status refresh();

  /// The facts of a key, active or not; nothing when it is unknown. An error only when no snapshot could ever be taken.
  Result<std::shared_ptr<const KeyFacts>> find_key(std::string_view key);
  Result<bool> has_project(ProjectId id);

  /// The same of the snapshot at hand, whatever it is: for counting, at no cost.
  [[nodiscard]] std::shared_ptr<const KeyFacts> known_key(std::string_view key) const;
  [[nodiscard]] bool knows_project(ProjectId id) const;
  [[nodiscard]] std::shared_ptr<const ProjectGate> known_project(ProjectId id) const;

 private:
  struct Snapshot {
    std::unordered_map<std::string, std::shared_ptr<const KeyFacts>> keys;
    std::unordered_map<ProjectId, std::shared_ptr<const ProjectGate>> projects;
  };

  /// While it lives somebody is looking.
  class Looking {
   public:
    explicit Looking(KeyDirectory& directory) : directory_(directory) {}
    ~Looking();
    Looking(const Looking&) = delete;
    Looking& operator=(const Looking&) = delete;

   private:
    KeyDirectory& directory_;
  };

  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  /// A snapshot that is newer than the one in which something was missing, if it is time for one.
  Result<std::shared_ptr<const Snapshot>> look_again();

  IngestStore& store_;
  const core::Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;         ///< guarded by mutex_, as all below
  std::chrono::steady_clock::time_point next_look_;  ///< for somebody whose key is unknown
  bool is_looking_ = false;                          ///< somebody asks the database for the others, too
  std::condition_variable looked_;
};

}  // namespace trapline::collector
