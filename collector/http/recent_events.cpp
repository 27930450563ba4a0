#include "collector/http/recent_events.h"

#include <charconv>
#include <utility>

#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kProcessBytes = 8;

std::optional<std::uint64_t> number_of(std::string_view id, std::string_view process) {
  if (!id.starts_with(process)) return std::nullopt;
  id.remove_prefix(process.size());
  if (!id.starts_with('-')) return std::nullopt;
  id.remove_prefix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return number;
}

}  // namespace

RecentEvents::RecentEvents() : RecentEvents(Limits{}) {}

RecentEvents::RecentEvents(Limits limits) : limits_(limits), process_(core::random_hex(kProcessBytes)) {}

SharedEvent RecentEvents::add(ProjectId project, std::string_view name, std::string_view data) {
  SharedEvent event = make_event(next_id(), name, data);
  keep(project, event);
  return event;
}

SharedEvent RecentEvents::add_missed(ProjectId project, std::uint64_t count) {
  SharedEvent event = make_missed_event(next_id(), count);
  keep(project, event);
  return event;
}

std::string RecentEvents::last_id() const { return process_ + "-" + std::to_string(last_); }

std::optional<std::vector<SharedEvent>> RecentEvents::after(std::string_view id,
                                                            std::optional<ProjectId> project) const {
  const auto number = number_of(id, process_);
  if (!number || *number < known_since_ || *number > last_) return std::nullopt;
  std::vector<SharedEvent> events;
  for (const Kept& kept : kept_) {
    if (kept.number > *number && (!project || kept.project == *project)) events.push_back(kept.event);
  }
  return events;
}

void RecentEvents::break_off() {
  kept_.clear();
  bytes_ = 0;
  known_since_ = ++last_;
}

void RecentEvents::forget(ProjectId project) {
  std::erase_if(kept_, [&](const Kept& kept) {
    if (kept.project == project) bytes_ -= kept.event->text.size();
    return kept.project == project;
  });
}

std::string RecentEvents::next_id() {
  ++last_;
  return last_id();
}

void RecentEvents::keep(ProjectId project, SharedEvent event) {
  bytes_ += event->text.size();
  kept_.push_back({last_, project, std::move(event)});
  while (!kept_.empty() && (kept_.size() > limits_.max_events || bytes_ > limits_.max_bytes)) {
    bytes_ -= kept_.front().event->text.size();
    known_since_ = kept_.front().number;
    kept_.pop_front();
  }
}

}  // namespace trapline::collector
