#pragma once

/// Writes days of events to the cold archive, in slices, so that who calls it can do other things meanwhile. A kill at
/// any instant leaves a day that is done again: its manifest is written last, and the store is told after that.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "collector/storage/archive/archive_counts.h"
#include "collector/storage/archive/day_manifest.h"
#include "collector/storage/archive/event_lines.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

struct ArchiverOptions {
  std::string made_by;
  const core::Clock& clock = core::system_clock();
  /// An object is full with so many bytes; all of it is held in memory.
  std::size_t object_bytes = std::size_t{8} << 20;
  /// Payloads that a slice reads.
  std::size_t slice_bytes = std::size_t{1} << 20;
  /// After a failure nothing is tried for so long, and for twice as long each time, up to ten minutes.
  std::chrono::milliseconds first_pause{15'000};
  /// Is told what begins and ends, in words.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

/// Not thread-safe. Borrows all that it is given.
class Archiver {
 public:
  Archiver(Store& store, ObjectStore& objects, const Sealer& sealer, ArchiverOptions options);
  ~Archiver();
  Archiver(const Archiver&) = delete;
  Archiver& operator=(const Archiver&) = delete;

  /// One slice of archiving the day, which is whole when the store says so (Store::retain()). Does nothing for a while
  /// after a failure. What the archive has of the day already stays, and is not written again.
  core::Status work_on(std::int64_t day);
  /// Forgets what it has read of a day, which is begun anew: some of that may have been erased since.
  void drop_work();

  [[nodiscard]] bool is_failing() const { return counts_.is_failing; }
  [[nodiscard]] const ArchiveCounts& counts() const { return counts_; }
  /// A day went that was not archived.
  void count_unarchived() { ++counts_.unarchived; }

 private:
  struct Work;

  core::Status begin(std::int64_t day);
  core::Status go_on();
  core::Status read_known();
  core::Status read_page();
  void take(const StoredEvent& stored);
  void fill_frame();
  core::Status put_frame();
  core::Status find_objects();
  core::Status compare_manifest(const std::optional<DayManifest>& expected);
  core::Status finish();
  void fail(const core::Error& error);

  Store& store_;
  ObjectStore& objects_;
  const Sealer& sealer_;
  const ArchiverOptions options_;
  LinePacker packer_;
  std::unique_ptr<Work> work_;  ///< null: there is none
  std::chrono::steady_clock::time_point next_try_;
  std::chrono::milliseconds pause_{0};
  ArchiveCounts counts_;
};

}  // namespace trapline::collector
