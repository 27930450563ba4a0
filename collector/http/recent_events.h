#pragma once

/// The live updates of the last while, numbered, so that a client whose connection broke gets what it missed when it
/// comes back and names the last event that it has seen (the header Last-Event-ID, which browsers send by themselves).

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/http/event_stream.h"
#include "collector/storage/records.h"

namespace trapline::collector {

/// Not thread-safe. Ids are "<of this process>-<number>": none of an earlier run of the collector is taken for one that
/// is known, whatever its number.
class RecentEvents {
 public:
  struct Limits {
    std::size_t max_events = 1'000;
    std::size_t max_bytes = std::size_t{1} << 20;  ///< of text
  };

  RecentEvents();
  explicit RecentEvents(Limits limits);

  /// Keeps an event that those are told who watch the project, as long as there is room for it.
  SharedEvent add(ProjectId project, std::string_view name, std::string_view data);
  /// The same of one that tells how many were left out.
  SharedEvent add_missed(ProjectId project, std::uint64_t count);

  /// The newest event's, or what stands for it when there was none yet.
  [[nodiscard]] std::string last_id() const;

  /// What came after the id, of the project or of all; nothing when that is not known any more, or never was.
  [[nodiscard]] std::optional<std::vector<SharedEvent>> after(std::string_view id,
                                                              std::optional<ProjectId> project) const;

  /// From here to the next event something may have happened that is not known: no id before that is good.
  void break_off();
  /// Nobody is to be told any more of what the project had.
  void forget(ProjectId project);

 private:
  struct Kept {
    std::uint64_t number = 0;
    ProjectId project = 0;
    SharedEvent event;
  };

  [[nodiscard]] std::string next_id();
  void keep(ProjectId project, SharedEvent event);

  const Limits limits_;
  const std::string process_;
  std::deque<Kept> kept_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t known_since_ = 0;  ///< everything after this number is kept
};

}  // namespace trapline::collector
