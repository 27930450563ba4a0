#pragma once

/// Erasing what is stored of users, at the API's wish, in the background.

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "collector/storage/archive/user_archive.h"
#include "collector/storage/erasure_report.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

struct ErasureWish {
  UserSelector user;
  std::string requested_by;
  bool is_dry = false;
};

struct ErasureOutcome {
  ErasureFacts facts;
  std::optional<Error> archive_error;  ///< the archive was not gone through; the rest is erased
  std::string report;                  ///< signed; empty of a dry run
};

/// Erases step by step, leaving others as much of the time as it takes. `on_progress` is told the percentage; false
/// breaks it off. With an `archive`, that is gone through as well, after the store. Errors: "broken_off", and the
/// store's; then it is to be run again.
Result<ErasureOutcome> erase_user(Store& store, const PayloadReader& reader, const ErasureWish& wish,
                                  const core::Clock& clock, const std::function<bool(int percent)>& on_progress,
                                  const std::optional<ArchiveInUse>& archive = {});

/// One purge runs at a time, in a thread of this. What it knows of purges goes with the process; what they have erased
/// is erased. Thread-safe.
class UserPurges {
 public:
  struct Purge {
    std::string id;
    bool is_dry = false;
    bool is_running = true;
    int percent = 0;
    UnixMillis started_at = 0;
    std::optional<Error> error;
    ErasureOutcome outcome;  ///< when it has ended well
  };

  /// All must outlive this.
  UserPurges(Store& store, const PayloadReader& reader, const core::Clock& clock = core::system_clock(),
             std::optional<ArchiveInUse> archive = {})
      : store_(store), reader_(reader), clock_(clock), archive_(std::move(archive)) {}
  ~UserPurges() { stop(); }
  UserPurges(const UserPurges&) = delete;
  UserPurges& operator=(const UserPurges&) = delete;

  /// Begins it. Error: "conflict" while another one runs.
  Result<Purge> start(const ErasureWish& wish);
  /// Of those that were begun last some are known.
  std::optional<Purge> find(const std::string& id);
  /// Breaks off what runs.
  void stop();
  /// That it goes through.
  [[nodiscard]] const std::optional<ArchiveInUse>& archive() const { return archive_; }

 private:
  void run(const std::string& id, const ErasureWish& wish);
  /// nullptr: it is forgotten. Under mutex_.
  Purge* look_up(const std::string& id);

  Store& store_;
  const PayloadReader& reader_;
  const core::Clock& clock_;
  const std::optional<ArchiveInUse> archive_;
  std::atomic<bool> is_stopping_ = false;
  std::mutex mutex_;
  std::list<Purge> purges_;  ///< the newest last; guarded by mutex_, as the next
  std::thread thread_;
};

}  // namespace trapline::collector
