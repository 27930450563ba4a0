#include "collector/storage/retention.h"

#include <array>
#include <string_view>
#include <unordered_map>

namespace trapline::collector {
namespace {

/// How often a value is there, and how often it is kept so far.
struct Seen {
  double count = 0;
  double kept = 0;

  /// What an event with it adds to what is kept.
  [[nodiscard]] double worth() const { return 1.0 / (count * (1 + kept)); }
};

class Values {
 public:
  explicit Values(std::span<const EventWorth> events) : of_(events.size()) {
    for (std::size_t index = 0; index < events.size(); ++index) {
      const std::array<std::string_view, 3> texts = {events[index].release, events[index].environment,
                                                     events[index].user};
      for (std::size_t kind = 0; kind < texts.size(); ++kind) {
        // Nodes of the map stay where they are.
        Seen& seen = seen_[kind][texts[kind]];
        ++seen.count;
        of_[index][kind] = &seen;
      }
    }
  }
  [[nodiscard]] double worth(std::size_t index) const {
    double sum = 0;
    for (const Seen* seen : of_[index]) sum += seen->worth();
    return sum;
  }
  void keep(std::size_t index) {
    for (Seen* seen : of_[index]) ++seen->kept;
  }

 private:
  std::array<std::unordered_map<std::string_view, Seen>, 3> seen_;
  std::vector<std::array<Seen*, 3>> of_;  ///< by the event's index
};

}  // namespace

std::vector<std::int64_t> choose_worth_keeping(std::span<const EventWorth> events, std::size_t most) {
  Values values(events);
  std::vector<bool> is_kept(events.size(), false);
  std::size_t kept = 0;
  const auto keep = [&](std::size_t index) {
    is_kept[index] = true;
    values.keep(index);
    ++kept;
  };
  for (std::size_t index = 0; index < events.size(); ++index) {
    if (events[index].is_landmark) keep(index);
  }
  while (kept < most && kept < events.size()) {
    std::size_t best = events.size();
    double most_worth = -1;
    for (std::size_t index = 0; index < events.size(); ++index) {
      if (is_kept[index]) continue;
      const double worth = values.worth(index);
      if (worth <= most_worth) continue;
      most_worth = worth;
      best = index;
    }
    keep(best);
  }
  std::vector<std::int64_t> rows;
  for (std::size_t index = 0; index < events.size(); ++index) {
    if (is_kept[index]) rows.push_back(events[index].row);
  }
  return rows;
}

}  // namespace trapline::collector
