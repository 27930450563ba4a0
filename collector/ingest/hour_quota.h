#pragma once

/// How many events may come in an hour: exactly so many in any sixty minutes, with the hour counted by the minute. The
/// door opens again when the oldest minute that had events leaves the window, and at once when the limit is raised:
/// the limit is asked for each time, and only what came in is remembered. Why not a bucket: it would let twice the
/// limit through in its first hour.

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/storage/ingest_settings.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// Not thread-safe.
class HourWindow {
 public:
  /// Counts up to `wanted` events and answers how many may come.
  std::int64_t take(std::int64_t wanted, std::int64_t limit, std::int64_t now_minute);

  /// How many more may come now.
  std::int64_t room(std::int64_t limit, std::int64_t now_minute);

  /// What was taken lately was not used after all.
  void give_back(std::int64_t count);

  /// Whether one more may come. 0: yes; else in how many seconds it may, at the latest.
  int seconds_until_open(std::int64_t limit, std::int64_t now_seconds);

  /// What came in each minute of the hour that had something, and how it is put back.
  struct Minute {
    std::int64_t minute = 0;
    std::int64_t count = 0;
  };
  [[nodiscard]] std::vector<Minute> minutes(std::int64_t now_minute);
  void restore(const Minute& past, std::int64_t now_minute);

 private:
  static constexpr std::int64_t kMinutes = 60;

  void forget_old(std::int64_t now_minute);

  std::array<std::int64_t, kMinutes> counts_{};  ///< by minute modulo sixty
  std::int64_t sum_ = 0;
  std::int64_t newest_minute_ = 0;
};

/// Windows by name, which is one line: projects and keys that have a limit. Thread-safe.
class HourQuotas {
 public:
  /// `path` is the file in which the use of the last hour outlives the process, empty for none.
  explicit HourQuotas(const core::Clock& clock, std::string path = {});

  /// A window and its limit; a limit of 0 means none, and costs nothing.
  struct Share {
    std::string name;
    std::int64_t limit = 0;
  };
  struct Grant {
    std::int64_t count = 0;
    std::size_t limited_by = 0;  ///< the index of the share that allows least
  };
  /// Takes up to `wanted` of all shares: what one of them does not allow is taken of none.
  Grant take(std::span<const Share> shares, std::int64_t wanted);
  /// Takes `wanted` or nothing.
  bool take_whole(const Share& share, std::int64_t wanted);
  void give_back(std::span<const Share> shares, std::int64_t count);
  int seconds_until_open(std::string_view name, std::int64_t limit);

  /// What was taken here since the last call, less what was given back. For those who share the limits: they count it
  /// with add_use(), and so does who gets theirs.
  std::vector<QuotaUse> take_news();
  void add_use(std::span<const QuotaUse> of_others);

  /// Writes the file when something has changed. What is taken after that is not counted any more when the process is
  /// killed; when the file cannot be written, the one before stays, and the next call tries again.
  void save();

 private:
  void read_file();
  void note(const std::string& name, std::int64_t count);

  const core::Clock& clock_;
  const std::string path_;
  bool is_changed_ = false;  ///< since save(); guarded by mutex_
  std::mutex mutex_;
  std::unordered_map<std::string, HourWindow> windows_;  ///< guarded by mutex_
  std::unordered_map<std::string, std::int64_t> news_;   ///< guarded by mutex_
};

}  // namespace trapline::collector
