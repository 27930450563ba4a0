#pragma once

/// What happens, told to those who watch (GET /api/v1/stream): issues as they come, change and count, and how many
/// events came in and were digested. Gathered and told once a second, so that a storm is one message for each of its
/// issues. As long as nobody watches it costs nothing.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/http/event_stream.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Of the whole instance, since its start.
struct LiveTotals {
  std::uint64_t accepted = 0;
  std::uint64_t digested = 0;
  bool operator==(const LiveTotals&) const = default;
};

/// Thread-safe. Borrows the store.
class LiveFeed {
 public:
  explicit LiveFeed(EventStore& store, std::chrono::milliseconds interval = std::chrono::seconds{1});
  ~LiveFeed();  ///< stop()
  LiveFeed(const LiveFeed&) = delete;
  LiveFeed& operator=(const LiveFeed&) = delete;

  /// Starts the thread that tells. `totals` is asked by it and by whoever subscribes, until stop().
  void start(std::function<LiveTotals()> totals);
  void stop();

  /// A stream for one client, until it is let go of; with one project's issues, or all. After start().
  std::shared_ptr<EventStream> subscribe(std::optional<ProjectId> project);

  /// Events were stored, or an issue's status ended by itself (Digester::Listener).
  void stored(const AppendOutcome& outcome);
  /// Somebody changed an issue, or removed it by merging it.
  void issue_changed(IssuePlace place);

 private:
  struct Watcher {
    std::weak_ptr<EventStream> stream;
    std::optional<ProjectId> project;
  };
  /// What is to be told of an issue: the strongest of what happened to it.
  struct News {
    ProjectId project = 0;
    std::optional<IssueChangeKind> kind;  ///< none: it counted, or was changed by somebody
  };
  using NewsByIssue = std::map<IssueId, News>;

  void run();
  void note(IssuePlace place, std::optional<IssueChangeKind> kind);
  void tell();
  void tell_issue(IssueId id, const News& news);
  void send(const std::string& text, std::optional<ProjectId> project);
  void forget_gone();

  EventStore& store_;
  const std::chrono::milliseconds interval_;
  std::function<LiveTotals()> totals_;
  LiveTotals told_;                       ///< the thread's alone
  std::atomic<bool> has_watcher_{false};  ///< relaxed: who subscribes misses what is stored in the same moment, and
                                          ///< asks for the issues afterwards anyway
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watcher> watchers_;  ///< guarded by mutex_, as all below
  NewsByIssue news_;
  bool has_missed_ = false;  ///< there was more news than is kept
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace trapline::collector
