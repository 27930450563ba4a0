#include "collector/http/live_feed.h"

#include <algorithm>
#include <string_view>
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
/// When a client comes back that was hung up on.
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

std::string event_text(std::string_view name, const json& data) {
  return "event: " + std::string(name) + "\ndata: " + data.dump(-1, ' ', false, json::error_handler_t::replace) +
         "\n\n";
}

/// The issue with its texts cut: what one client sends must not fill every watcher's room.
json short_json(Issue issue) {
  for (std::string* text : {&issue.title, &issue.type, &issue.value, &issue.culprit}) {
    text->resize(core::truncate_utf8(*text, kMostShownBytes).size());
  }
  return to_json(issue);
}

std::string stats_text(const LiveTotals& totals) {
  return event_text("stats", {{"accepted", totals.accepted}, {"digested", totals.digested}});
}

}  // namespace

LiveFeed::LiveFeed(EventStore& store, std::chrono::milliseconds interval) : store_(store), interval_(interval) {}

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

std::shared_ptr<EventStream> LiveFeed::subscribe(std::optional<ProjectId> project) {
  auto stream = std::make_shared<EventStream>();
  stream->send(std::string(kRetry) + stats_text(totals_()));
  {
    const std::lock_guard lock(mutex_);
    watchers_.push_back({stream, project});
    has_watcher_.store(true, std::memory_order_relaxed);
  }
  changed_.notify_all();
  return stream;
}

void LiveFeed::stored(const AppendOutcome& outcome) {
  if (!has_watcher_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  for (const IssuePlace& place : outcome.counted_on) note(place, std::nullopt);
  for (const IssueChange& change : outcome.changes) note({change.issue_id, change.project_id}, change.kind);
}

void LiveFeed::issue_changed(IssuePlace place) {
  if (!has_watcher_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  note(place, std::nullopt);
}

void LiveFeed::note(IssuePlace place, std::optional<IssueChangeKind> kind) {
  const auto found = news_.find(place.issue_id);
  if (found == news_.end() && news_.size() >= kMostIssues) {
    has_missed_ = true;
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
      changed_.wait(lock, [&] { return is_stopping_ || !watchers_.empty(); });
      if (changed_.wait_for(lock, interval_, [&] { return is_stopping_; })) return;
    }
    tell();
  }
}

void LiveFeed::tell() {
  NewsByIssue news;
  bool has_missed = false;
  {
    const std::lock_guard lock(mutex_);
    forget_gone();
    news = std::exchange(news_, {});
    has_missed = std::exchange(has_missed_, false);
  }
  for (const auto& [id, own] : news) tell_issue(id, own);
  if (has_missed) send(event_text("missed", json::object()), std::nullopt);
  const LiveTotals totals = totals_();
  if (totals == told_) return;
  told_ = totals;
  send(stats_text(totals), std::nullopt);
}

void LiveFeed::tell_issue(IssueId id, const News& news) {
  const auto issue = store_.find_issue(id);
  if (!issue) return;  // the database fails, and says so elsewhere
  const bool is_there = issue->has_value();
  const json data = {{"kind", is_there ? word_of(news.kind) : "removed"},
                     {"id", std::to_string(id)},
                     {"project_id", std::to_string(news.project)},
                     {"issue", is_there ? short_json(**issue) : json(nullptr)}};
  send(event_text("issue", data), news.project);
}

/// To those who watch the project; without one, to all.
void LiveFeed::send(const std::string& text, std::optional<ProjectId> project) {
  std::vector<std::shared_ptr<EventStream>> streams;
  {
    const std::lock_guard lock(mutex_);
    for (const Watcher& watcher : watchers_) {
      if (project && watcher.project && *watcher.project != *project) continue;
      if (auto stream = watcher.stream.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams) stream->send(text);
}

void LiveFeed::forget_gone() {
  std::erase_if(watchers_, [](const Watcher& watcher) { return watcher.stream.expired(); });
  has_watcher_.store(!watchers_.empty(), std::memory_order_relaxed);
}

}  // namespace trapline::collector
