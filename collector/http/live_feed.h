#pragma once

/// What happens, told to those who watch (GET /api/v1/stream): issues as they come, change and count, and how many
/// events came in and were digested. Gathered and told once a second, so that a storm is one message for each of its
/// issues. Kept for a while for those whose connection breaks (recent_events.h). When nobody has watched for two
/// minutes it costs nothing, and nothing is kept.

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
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "collector/http/event_stream.h"
#include "collector/http/recent_events.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Of the whole instance, since its start.
struct LiveTotals {
  std::uint64_t accepted = 0;
  std::uint64_t digested = 0;
  bool operator==(const LiveTotals&) const = default;
};

struct LiveOptions {
  std::chrono::milliseconds interval = std::chrono::seconds{1};
  /// How long what happens is kept after the last one who watched is gone: who comes back by then has missed nothing.
  std::chrono::milliseconds linger = std::chrono::minutes{2};
};

/// Thread-safe. Borrows the store.
class LiveFeed {
 public:
  explicit LiveFeed(EventStore& store, LiveOptions options = {});
  ~LiveFeed();  ///< stop()
  LiveFeed(const LiveFeed&) = delete;
  LiveFeed& operator=(const LiveFeed&) = delete;

  /// Starts the thread that tells. `totals` is asked by it and by whoever subscribes, until stop().
  void start(std::function<LiveTotals()> totals);
  void stop();

  /// A stream for one client, until it is let go of; with one project's issues, or all. `last_seen`: the id of the last
  /// event that the client has, when it comes back; what it missed comes first, or one event that says that it missed
  /// some. Empty: it is new. After start().
  std::shared_ptr<EventStream> subscribe(std::optional<ProjectId> project, std::string_view last_seen = {});

  /// Events were stored, or an issue's status ended by itself (Digester::Listener).
  void stored(const AppendOutcome& outcome);
  /// Somebody changed an issue, or removed it by merging it.
  void issue_changed(IssuePlace place);
  /// A project is gone: nobody who comes back is told of its issues.
  void project_deleted(ProjectId project);

  /// Something of the project's may have happened that nobody has told.
  void missed(ProjectId project);

  /// Whether what happens is noted: somebody watches, or did a short while ago.
  [[nodiscard]] bool is_listening() const { return is_listening_.load(std::memory_order_relaxed); }

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
  /// Changes of issues that are not told one by one.
  using MissedByProject = std::map<ProjectId, std::uint64_t>;

  void run();
  void note(IssuePlace place, std::optional<IssueChangeKind> kind);
  void tell();
  bool tell_issue(IssueId id, const News& news);
  void send(const SharedEvent& event, std::optional<ProjectId> project);
  void forget_gone();

  EventStore& store_;
  const LiveOptions options_;
  std::function<LiveTotals()> totals_;
  LiveTotals told_;                        ///< the thread's alone
  std::atomic<bool> is_listening_{false};  ///< relaxed: who subscribes as the first misses what is stored in the same
                                           ///< moment, and asks for the issues afterwards anyway
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watcher> watchers_;  ///< guarded by mutex_, as all below
  std::chrono::steady_clock::time_point last_watched_;
  RecentEvents recent_;
  NewsByIssue news_;
  MissedByProject missed_;    ///< there was more news than is told
  std::set<ProjectId> gone_;  ///< deleted; what is on its way about them is told no more
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace trapline::collector
