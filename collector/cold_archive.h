#pragma once

/// The cold archive of a running collector: what retention wants to take away goes there first.

#include <atomic>
#include <memory>
#include <mutex>

#include "collector/config.h"
#include "collector/storage/archive/archiver.h"
#include "collector/storage/archive/user_archive.h"
#include "collector/storage/sealing.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// For the thread that sees to retention; stop() and counts() for any.
class ColdArchive {
 public:
  /// Null when the configuration names none. Error: "invalid_archive". Borrows the store.
  static Result<std::unique_ptr<ColdArchive>> open(const Config& config, Store& store);

  /// The policy, with what there is to say of the archive.
  [[nodiscard]] RetentionPolicy policy(RetentionPolicy policy) const;
  /// Does a little of what a step of retention asks for. Trouble goes to the log.
  void follow(const RetentionStep& step);

  /// Whether the last try failed: then nothing is tried for a while.
  [[nodiscard]] bool is_failing() const { return archiver_->is_failing(); }
  [[nodiscard]] const ArchiveCounts& counts() const { return archiver_->counts(); }
  /// For who goes through it beside retention. Lives as long as this.
  [[nodiscard]] ArchiveInUse in_use() {
    return {*objects_, sealer_, &turn_, [this] { archiver_->drop_work(); }};
  }
  /// From now on nothing that is sent, or waited for, holds anybody up.
  void stop() { is_stopping_ = true; }

 private:
  explicit ColdArchive(const Config& config) : sealer_(config.keys) {}
  void look();

  const Sealer sealer_;
  std::atomic<bool> is_stopping_{false};
  std::unique_ptr<ObjectStore> objects_;
  std::mutex turn_;  ///< of who uses objects_
  std::unique_ptr<Archiver> archiver_;
  bool was_looked_at_ = false;
};

}  // namespace trapline::collector
