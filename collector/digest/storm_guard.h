#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/storage/records.h"

namespace trapline::collector {

/// Keeps a loud issue from using up what a project may store. As long as a project is under four fifths of its events
/// an hour, all is kept. Above, each fingerprint has a token bucket: a burst of 20, and then a two-hundredth of the
/// project's hourly number an hour; what finds it empty is to be counted and not kept. A new issue's first events are
/// so always kept. Not thread-safe. Time comes from the events' receipt, so that a backlog is judged by when it came.
///
/// Answers count only once commit() says that the events are stored: roll_back() takes back all since the last of both,
/// so that a run that has to be stored again finds what it found the first time.
class StormGuard {
 public:
  /// Whether the event is to be kept. `events_per_hour` 0: always.
  bool keeps(ProjectId project, std::string_view fingerprint, UnixMillis received_at, std::int64_t events_per_hour);
  void commit() { before_.clear(); }
  void roll_back();

 private:
  struct Bucket {
    double tokens = 0;
    UnixMillis filled_at = 0;
  };
  struct Window {
    UnixMillis begin = 0;
    std::int64_t kept = 0;
    std::int64_t kept_before = 0;  ///< in the hour before this one
  };
  struct Project {
    Window window;
    std::unordered_map<std::string, Bucket> buckets;
  };
  /// What an answer changed, as it was before.
  struct Before {
    ProjectId project = 0;
    Window window;
    std::string fingerprint;  ///< empty: no bucket was asked
    Bucket bucket;
  };
  static void move_on(Window& window, UnixMillis received_at);
  static bool take_token(Bucket& bucket, UnixMillis received_at, double events_per_hour);

  std::unordered_map<ProjectId, Project> projects_;
  std::vector<Before> before_;
};

}  // namespace trapline::collector
