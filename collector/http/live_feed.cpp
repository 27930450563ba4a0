#include "collector/http/live_feed.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>
#include <pthread.h>

#include "collector/http/api_json.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

/// Of one interval. When there are more, watchers are told to ask for the list anew: the store has work enough then.
constexpr std::size_t kMostIssues = 200;
/// Of a text that a list shows; who wants all of it asks for the issue.
constexpr std::size_t kMostShownBytes = 300;
/// When a client comes back whose connection broke.
constexpr std::string_view kRetry = "retry: 3000\n\n";

std::string_view word_of(const std::optional<IssueChangeKind>& kind) {
  if (!kind) return "changed";
  switch (*kind) {
    case IssueChangeKind::kNew:
      return "new";
    case IssueChangeKind::kRegressed:
      return "regressed";
    case IssueChangeKind::kUnignored:
      break;
  }
  return "unignored";
}

/// Without line ends, as an event's data must be.
std::string one_line(const json& data) { return data.dump(-1, ' ', false, json::error_handler_t::replace); }

/// The issue with its texts cut: what one client sends must not fill every watcher's room.
json short_json(Issue issue) {
  for (std::string* text : {&issue.title, &issue.type, &issue.value, &issue.culprit}) {
    text->resize(core::truncate_utf8(*text, kMostShownBytes).size());
  }
  return to_json(issue);
}

/// Not numbered, as the next one tells the same: it stands behind the last event that is.
SharedEvent stats_event(std::string last_id, const LiveTotals& totals) {
  return make_event(std::move(last_id), "stats",
                    one_line({{"accepted", totals.accepted}, {"digested", totals.digested}}));
}

}  // namespace

LiveFeed::LiveFeed(EventStore& store, LiveOptions options) : store_(store), options_(options) {}

LiveFeed::~LiveFeed() { stop(); }

void LiveFeed::start(std::function<LiveTotals()> totals) {
  totals_ = std::move(totals);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "trapline-live");
}

void LiveFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<EventStream> LiveFeed::subscribe(std::optional<ProjectId> project, std::string_view last_seen) {
  const LiveTotals totals = totals_();
  std::vector<SharedEvent> first = {std::make_shared<const StreamEvent>(StreamEvent{{}, std::string(kRetry)})};
  std::shared_ptr<EventStream> stream;
  {
    const std::lock_guard lock(mutex_);
    if (!last_seen.empty()) {
      auto missed = recent_.after(last_seen, project);
      if (!missed) missed.emplace({make_missed_event(recent_.last_id(), std::nullopt)});
      std::move(missed->begin(), missed->end(), std::back_inserter(first));
    }
    first.push_back(stats_event(recent_.last_id(), totals));
    stream = std::make_shared<EventStream>(std::move(first));
    watchers_.push_back({stream, project});
    last_watched_ = std::chrono::steady_clock::now();
    is_listening_.store(true, std::memory_order_relaxed);
  }
  changed_.notify_all();
  return stream;
}

void LiveFeed::stored(const AppendOutcome& outcome) {
  if (!is_listening()) return;
  const std::lock_guard lock(mutex_);
  for (const IssuePlace& place : outcome.counted_on) note(place, std::nullopt);
  for (const IssueChange& change : outcome.changes) note({change.issue_id, change.project_id}, change.kind);
}

void LiveFeed::issue_changed(IssuePlace place) {
  if (!is_listening()) return;
  const std::lock_guard lock(mutex_);
  note(place, std::nullopt);
}

void LiveFeed::project_deleted(ProjectId project) {
  const std::lock_guard lock(mutex_);
  recent_.forget(project);
  std::erase_if(news_, [&](const auto& news) { return news.second.project == project; });
  missed_.erase(project);
  gone_.insert(project);
}

void LiveFeed::missed(ProjectId project) {
  if (!is_listening()) return;
  const std::lock_guard lock(mutex_);
  ++missed_[project];
}

void LiveFeed::note(IssuePlace place, std::optional<IssueChangeKind> kind) {
  const auto found = news_.find(place.issue_id);
  if (found == news_.end() && news_.size() >= kMostIssues) {
    ++missed_[place.project_id];
    return;
  }
  News& news = news_[place.issue_id];
  news.project = place.project_id;
  // A new issue stays a new one, whatever else happens to it.
  if (kind && news.kind != IssueChangeKind::kNew) news.kind = kind;
}

void LiveFeed::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_stopping_ || is_listening(); });
      if (changed_.wait_for(lock, options_.interval, [&] { return is_stopping_; })) return;
    }
    tell();
  }
}

void LiveFeed::tell() {
  NewsByIssue news;
  MissedByProject missed;
  {
    const std::lock_guard lock(mutex_);
    forget_gone();
    news = std::exchange(news_, {});
    missed = std::exchange(missed_, {});
  }
  for (const auto& [id, own] : news) {
    if (!tell_issue(id, own)) ++missed[own.project];
  }
  const LiveTotals totals = totals_();
  const std::lock_guard lock(mutex_);
  std::erase_if(missed, [&](const auto& entry) { return gone_.contains(entry.first); });
  for (const auto& [project, count] : missed) send(recent_.add_missed(project, count), project);
  if (totals == told_) return;
  told_ = totals;
  send(stats_event(recent_.last_id(), totals), std::nullopt);
}

/// False when the database fails, which says so elsewhere.
bool LiveFeed::tell_issue(IssueId id, const News& news) {
  const auto issue = store_.find_issue(id);
  if (!issue) return false;
  const bool is_there = issue->has_value();
  const json data = {{"kind", is_there ? word_of(news.kind) : "removed"},
                     {"id", std::to_string(id)},
                     {"project_id", std::to_string(news.project)},
                     {"issue", is_there ? short_json(**issue) : json(nullptr)}};
  const std::lock_guard lock(mutex_);
  if (gone_.contains(news.project)) return true;
  send(recent_.add(news.project, "issue", one_line(data)), news.project);
  return true;
}

/// To those who watch the project; without one, to all. With mutex_ held since the event got its number: so each stream
/// has them in order.
void LiveFeed::send(const SharedEvent& event, std::optional<ProjectId> project) {
  for (const Watcher& watcher : watchers_) {
    if (project && watcher.project && *watcher.project != *project) continue;
    if (const auto stream = watcher.stream.lock()) stream->send(event);
  }
}

void LiveFeed::forget_gone() {
  std::erase_if(watchers_, [](const Watcher& watcher) { return watcher.stream.expired(); });
  const auto now = std::chrono::steady_clock::now();
  if (!watchers_.empty()) last_watched_ = now;
  if (now - last_watched_ < options_.linger || !watchers_.empty()) return;
  is_listening_.store(false, std::memory_order_relaxed);
  recent_.break_off();
  news_.clear();
  missed_.clear();
}

}  // namespace trapline::collector
