#pragma once

/// The nouns of the store: plain values that cross its door, the same for every engine.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/storage/search.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

using core::UnixMillis;

using ProjectId = std::int64_t;
using IssueId = std::int64_t;
using UserId = std::int64_t;

/// How bad an event is, as the Sentry event payload names it; ordered from least to most.
enum class Level { kDebug, kInfo, kWarning, kError, kFatal };

/// Archived: kept, shown nowhere unless asked for, and never coming back by itself.
enum class IssueStatus { kUnresolved, kResolved, kIgnored, kArchived };

/// Of a public or a secret key, at random; they are written in hex.
constexpr std::size_t kProjectKeyBytes = 16;

/// A place that sends events. `public_key` is its first active key; its DSN is made from both.
struct Project {
  ProjectId id = 0;
  std::string name;
  std::string public_key;  ///< 32 lower-case hex digits
  UnixMillis created_at = 0;
};

/// An event after digestion, as the store keeps it: what is searched and shown in lists, and the whole payload.
struct DigestedEvent {
  ProjectId project_id = 0;
  std::string event_id;  ///< 32 lower-case hex digits
  UnixMillis received_at = 0;
  UnixMillis timestamp = 0;
  /// No copy of it was received before: what is stored of earlier days needs no look whether the event is known. 0:
  /// that is not known.
  UnixMillis first_possible_receipt = 0;
  Level level = Level::kError;
  std::string platform;
  std::string environment;
  std::string release;
  std::string transaction;
  std::string server_name;
  std::string user;  ///< what the event's user is told apart by ("id:42", "email:…", "ip:…"); empty: none known
  std::string user_identity;       ///< what the user is counted by, never stored; empty: `user`
  std::string fingerprint;         ///< the group key: events of one project with the same one belong to one issue
  std::string coarse_fingerprint;  ///< what leads an event with a new fingerprint to an issue; empty: nothing does
  std::vector<std::string> older_fingerprints;  ///< its keys by the grouping's version before: asked when those are new
  std::string title;                            ///< "TypeError: x is not a function"
  std::string type;                             ///< the exception's type; empty for messages
  std::string value;                            ///< the exception's value, or the message
  std::string culprit;                          ///< the function or place to look at first; empty: not known
  std::vector<std::pair<std::string, std::string>> tags;
  std::int64_t occurrences = 1;  ///< identical errors that the client counted into this event, itself included
  std::string payload;           ///< the event's JSON
  std::int64_t sequence = 0;     ///< its place in the spool; 0: it comes from none
  std::string assignee;          ///< whose a new issue of it is; empty: nobody's
  std::string packed;            ///< what EventStore::pack() made of it; the engine's own
  // What it is searched by beside all that; not a part of the stored event.
  std::vector<std::pair<std::string, std::string>> context_tags;  ///< "browser", "os" and so on, as if they were tags
  std::vector<std::pair<UserField, std::string>> user_fields;     ///< what it tells of its user
  std::vector<std::string> texts;                                 ///< title, messages, places
  std::vector<std::string> trail_texts;                           ///< breadcrumbs' messages, the newest first
};

/// What happened to an issue by itself, as events came.
enum class IssueChangeKind { kNew, kRegressed, kUnignored };
struct IssueChange {
  IssueId issue_id = 0;
  ProjectId project_id = 0;
  IssueChangeKind kind = IssueChangeKind::kNew;
};

/// An issue, and whose it is.
struct IssuePlace {
  IssueId issue_id = 0;
  ProjectId project_id = 0;
};

/// What became of a batch of events given to append().
struct AppendOutcome {
  std::size_t stored = 0;
  std::size_t counted_only = 0;  ///< counted, not kept
  std::size_t duplicates = 0;    ///< already there by (project, event id): counted nowhere else
  std::size_t repeated = 0;      ///< given before, and again because a kill or an error came between: counted nowhere
  std::size_t left_out = 0;      ///< of projects that are gone
  std::size_t new_issues = 0;
  std::vector<IssuePlace> counted_on;  ///< the issues whose counts have changed
  std::vector<IssueChange> changes;    ///< each told once, whatever kills and repeats there are
};

/// How the status of an issue ends by itself (issue_life.h).
struct IssueState {
  IssueStatus status = IssueStatus::kUnresolved;
  UnixMillis status_at = 0;  ///< since when
  /// Resolved: in this release; with `resolved_is_next`, in the one after it. None: at the time of status_at.
  std::optional<std::string> resolved_release;
  bool resolved_is_next = false;
  /// Ignored: until that time, until the issue has so many events, or so many users, whichever is first.
  std::optional<UnixMillis> ignored_until;
  std::optional<std::int64_t> ignored_until_count;
  std::optional<std::int64_t> ignored_until_users;
};

constexpr std::size_t kSparklineDays = 14;

struct Issue {
  IssueId id = 0;
  ProjectId project_id = 0;
  std::string title;
  std::string type;
  std::string value;
  std::string culprit;
  std::string platform;
  Level level = Level::kError;                    ///< of the newest event
  IssueStatus status = IssueStatus::kUnresolved;  ///< the same as state.status
  std::int64_t count = 0;
  std::int64_t stored_count = 0;  ///< of `count`, those whose event is kept
  std::int64_t user_count = 0;
  UnixMillis first_seen = 0;
  UnixMillis last_seen = 0;
  std::string assignee;       ///< empty: nobody
  IssueState state;           ///< how the status ends by itself
  std::string first_release;  ///< of its earliest event that had one; empty: none had. By find_issue(s) alone
  std::string last_release;
  std::vector<std::string> environments;  ///< 100 at most, in alphabetical order. From find_issues() when asked for
  std::array<std::int64_t, kSparklineDays> daily_counts{};  ///< events per UTC day, oldest first, today last
};

/// An event that could not be digested.
struct QuarantinedEvent {
  std::int64_t sequence = 0;  ///< as in DigestedEvent
  ProjectId project_id = 0;
  std::string event_id;
  UnixMillis received_at = 0;
  int tries = 0;
  std::string error;
  std::string payload;  ///< as it came, without what was found to be private
};

/// So many events of one hour, by what became of them: "stored", "duplicate", "counted_only", "quarantined", "refused"
/// here, "not_sent" and "unknown" as far as clients tell.
struct LedgerEntry {
  UnixMillis hour = 0;
  std::string release;
  std::string outcome;
  std::string reason;
  std::int64_t count = 0;
};

/// Which of a project's ledger: the hours of `from` to `to`, the newest first.
struct LedgerQuery {
  ProjectId project_id = 0;
  UnixMillis from = 0;
  UnixMillis to = 0;
  std::size_t limit = 100;
  std::string cursor = {};  ///< a page's next_cursor; empty: from the start
};

/// An entry that counts on between two pages is on one of them.
struct LedgerPage {
  std::vector<LedgerEntry> items;
  std::string next_cursor;                     ///< empty on the last page
  std::map<std::string, std::int64_t> totals;  ///< by outcome, of all pages
};

/// A group hash of an issue.
struct IssueHash {
  std::int64_t id = 0;
  std::string hash;
  std::string title;  ///< of its newest event
  std::int64_t count = 0;
  UnixMillis first_seen = 0;
  UnixMillis last_seen = 0;
};

/// What happened to an issue, as issue_life.h names it.
struct HistoryEntry {
  UnixMillis at = 0;
  std::string kind;
  std::string actor;    ///< an e-mail address, or a token's name; empty: it happened by itself
  std::string details;  ///< a JSON object
};

/// kId never changes: only by it a walk through all pages meets each issue once while events come in.
enum class IssueSort { kLastSeen, kFirstSeen, kCount, kUserCount, kId };

/// Which issues, and in which order: every set field narrows.
struct IssueQuery {
  std::optional<ProjectId> project_id;
  std::optional<IssueStatus> status;
  std::optional<Level> level;
  std::string environment;  ///< issues with at least one event of it
  std::string release;      ///< issues with at least one event of it
  Search search;
  std::optional<UnixMillis> from;         ///< seen last at or after
  std::optional<UnixMillis> to;           ///< seen first before
  IssueSort sort = IssueSort::kLastSeen;  ///< always descending
  bool with_environments = false;
  std::string cursor;      ///< a page's next_cursor; empty: from the start
  std::size_t limit = 25;  ///< 1 to 100
};

/// What can stand in a search: of its values those that begin with `prefix`, in the order in which they are offered.
struct CompletionQuery {
  enum class Of : std::uint8_t { kTagKeys, kTagValues, kReleases, kEnvironments, kAssignees, kUsers };
  Of of = Of::kTagKeys;
  std::optional<ProjectId> project_id;
  std::string key;                          ///< of kTagValues
  std::int64_t user_field = kAnyUserField;  ///< of kUsers
  std::string prefix;
  std::size_t limit = 20;
};

/// A tag of an issue, with the values that it has most.
struct IssueTag {
  struct Value {
    std::string value;  ///< empty: all that were beyond what is kept of a key
    std::int64_t count = 0;
    UnixMillis last_seen = 0;
  };
  std::string key;
  std::int64_t value_count = 0;  ///< how many values there are
  std::vector<Value> values;
};

/// Which events, newest first by receipt.
struct EventQuery {
  std::optional<ProjectId> project_id;
  std::optional<IssueId> issue_id;
  std::optional<UnixMillis> from;  ///< received at or after
  std::optional<UnixMillis> to;    ///< received before
  bool with_payload = true;        ///< false leaves `payload` empty and saves reading it
  std::string cursor;
  std::size_t limit = 25;  ///< 1 to 100
};

struct StoredEvent {
  IssueId issue_id = 0;
  DigestedEvent event;
  std::string newer_event_id;  ///< neighbours in the same issue by receipt; empty at the ends. Only from find_event()
  std::string older_event_id;
};

/// One page of a listing. Pages are stable: a row is neither skipped nor repeated while others arrive.
template <class T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  ///< empty on the last page
};

/// Events of an issue within one hour.
struct HourCount {
  UnixMillis hour = 0;  ///< the start of the hour, UTC
  std::int64_t count = 0;
};

enum class Role { kViewer, kMember, kAdmin, kOwner };

struct User {
  UserId id = 0;
  std::string email;  ///< lower case
  Role role = Role::kMember;
  UnixMillis created_at = 0;
};

enum class TokenScope { kRead, kWrite, kAdmin };

/// An API token's facts. The token itself is shown once and only its SHA-256 is kept.
struct ApiToken {
  std::string name;
  TokenScope scope = TokenScope::kRead;
  UnixMillis created_at = 0;
};

/// "fatal" … "debug" and back; the same for the other words. Parsing answers nothing for an unknown word; a level also
/// takes JavaScript's "log" (info) and the synonyms "critical" and "warn".
std::string_view to_word(Level level);
std::string_view to_word(IssueStatus status);
std::string_view to_word(Role role);
std::string_view to_word(TokenScope scope);
std::optional<Level> parse_level(std::string_view word);
std::optional<IssueStatus> parse_issue_status(std::string_view word);
std::optional<Role> parse_role(std::string_view word);
std::optional<TokenScope> parse_token_scope(std::string_view word);

}  // namespace trapline::collector
