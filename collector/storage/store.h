#pragma once

/// What the collector needs from a database, in the domain's own words. Engines implement Store (sqlite/); nothing
/// outside them knows SQL. Every call is one transaction: it happened whole or not at all, and it is on disk when it
/// returns. Every class here may be used from any thread. Errors: "not_found", "conflict", "invalid_cursor", or
/// "storage" with the engine's own words.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/archive_records.h"
#include "collector/storage/ingest_settings.h"
#include "collector/storage/items.h"
#include "collector/storage/records.h"
#include "collector/storage/release_health.h"
#include "collector/storage/retention.h"
#include "collector/storage/user_rights.h"
#include "sdk/core/result.h"

namespace trapline::collector {

using core::Error;
using core::Result;
using core::Status;

/// Whether a new event is kept; else it is only counted on its issue. Asked once for each event that is not known yet,
/// inside the transaction: when append() fails, what was answered never happened.
using KeepRule = std::function<bool(const DigestedEvent&)>;

/// Makes a project's settings of those it has; an error leaves them as they are.
using SettingsChange = std::function<Result<std::string>(std::string_view before)>;

/// Changes a project's name and switches in place; an error leaves them as they are.
using ProjectEdit = std::function<Status(std::string& name, IngestSettings& settings)>;

/// Events and the issues they belong to.
class EventStore {
 public:
  virtual ~EventStore() = default;

  /// Does what storing an event needs no lock for: compressing it. Afterwards `packed` is set and the event must not be
  /// changed. append() does it for events that come without.
  virtual Status pack(DigestedEvent& event) = 0;

  /// "unstorable" is an error of append() that will be there the next time, too: something is wrong with an event, not
  /// with the database.
  ///
  /// Stores a batch in one transaction: events, issues, counters, tags, and how far the spool has been digested. So
  /// events that are given again because a kill came before they were released are told from duplicates: those stand
  /// further on in the spool. Idempotent by (project, event id), also within the batch. Without `keeps` all are kept.
  virtual Result<AppendOutcome> append(std::span<const DigestedEvent> batch, const KeepRule& keeps) = 0;
  Result<AppendOutcome> append(std::span<const DigestedEvent> batch) { return append(batch, {}); }

  /// Whether the event is stored already.
  virtual Result<bool> has_event(ProjectId project, std::string_view event_id) = 0;

  /// "search_timeout" when it takes longer than anybody waits.
  virtual Result<Page<Issue>> find_issues(const IssueQuery& query) = 0;
  virtual Result<std::optional<Issue>> find_issue(IssueId id) = 0;
  /// "search_timeout", as find_issues().
  virtual Result<std::vector<std::string>> complete_search(const CompletionQuery& query) = 0;
  /// By key, each with the values that were seen most.
  virtual Result<std::vector<IssueTag>> list_issue_tags(IssueId id) = 0;

  /// The hours between `from` and `to` in which the issue had events, oldest first.
  virtual Result<std::vector<HourCount>> count_by_hour(IssueId id, UnixMillis from, UnixMillis to) = 0;

  virtual Result<Page<StoredEvent>> find_events(const EventQuery& query) = 0;
  virtual Result<std::optional<StoredEvent>> find_event(ProjectId project, std::string_view event_id) = 0;

  /// How many issues there are, for the metrics.
  virtual Result<std::int64_t> count_issues() = 0;

  /// Sets the status and how it ends, with an entry in the history by `actor`. Answers the issue as it is then.
  /// "not_found". What cannot be ("until so many more" is already over, a release that resolved and ignored name at
  /// once) is the caller's to check.
  virtual Result<Issue> set_issue_state(IssueId id, const IssueState& state, std::string_view actor) = 0;
  /// `assignee` empty: nobody. "not_found".
  virtual Result<Issue> assign_issue(IssueId id, std::string_view assignee, std::string_view actor) = 0;

  /// Makes the issues `others` part of `into`: their events, counts and hashes are its own from then on, and they are
  /// gone. "not_found"; "conflict" when they are not of one project.
  virtual Result<Issue> merge_issues(IssueId into, std::span<const IssueId> others, std::string_view actor) = 0;
  /// Makes the hashes (IssueHash::id), not all that the issue has, an issue of their own: the answer. "not_found" when
  /// the issue or a hash of it is; "conflict" when nothing would be left.
  virtual Result<Issue> unmerge_hashes(IssueId from, std::span<const std::int64_t> hashes, std::string_view actor) = 0;
  /// The fine hashes that lead to the issue.
  virtual Result<std::vector<IssueHash>> list_hashes(IssueId id) = 0;
  /// Newest first.
  virtual Result<std::vector<HistoryEntry>> list_history(IssueId id) = 0;

  /// Shows those ignored issues again whose time has come.
  virtual Result<std::vector<IssueChange>> end_due_ignores(UnixMillis now) = 0;

  /// Keeps an event that could not be digested. Idempotent by (project, event id); tells events that are
  /// given again from duplicates as append() does.
  virtual Status quarantine(const QuarantinedEvent& event) = 0;
  /// Newest first, at most 100.
  virtual Result<std::vector<QuarantinedEvent>> list_quarantine(ProjectId project) = 0;

  /// What became of the project's events, by hour of receipt. append() and
  /// quarantine() write it, in their own transactions; what was refused at the door (add_refusals) and what clients say
  /// they did not send (ClientLoss, by the client's hour; RunCounters) is in it, too. "unknown" is what runs of
  /// programs have captured and not told the end of, at the hour in which they last told something.
  virtual Result<LedgerPage> find_ledger(const LedgerQuery& query) = 0;

  /// All of it between `from` and `to`, without releases, oldest first, each hour whole.
  virtual Result<std::vector<LedgerEntry>> sum_ledger(ProjectId project, UnixMillis from, UnixMillis to) = 0;

  /// How the project's events are digested, as JSON (digest/digest_settings.h, which checks it); "{}" when nothing is
  /// set.
  virtual Result<std::string> digest_settings(ProjectId project) = 0;
  /// "not_found" when there is no such project.
  virtual Status set_digest_settings(ProjectId project, std::string_view settings) = 0;
  /// Reads, changes and writes in one transaction, so that of changes at the same time none is lost. Answers the
  /// settings as they are then. "not_found", and the errors of `change`.
  virtual Result<std::string> change_digest_settings(ProjectId project, const SettingsChange& change) = 0;

  /// The newest release of the project: the last by the order of their names where those tell, else by when they were
  /// first seen. Empty: there is none.
  virtual Result<std::string> newest_release(ProjectId project) = 0;
};

/// Projects and their keys.
class ProjectStore {
 public:
  virtual ~ProjectStore() = default;

  /// "conflict" when a project of that name exists.
  virtual Result<Project> create_project(std::string_view name, std::string_view public_key) = 0;
  virtual Result<std::vector<Project>> list_projects() = 0;
  virtual Result<std::optional<Project>> find_project(ProjectId id) = 0;

  /// The project an active key belongs to.
  virtual Result<std::optional<Project>> find_project_by_key(std::string_view public_key) = 0;

  /// Reads, changes and writes in one transaction. "not_found"; "conflict" when another project has the name; the
  /// errors of `edit`.
  virtual Status change_project(ProjectId id, const ProjectEdit& edit) = 0;

  /// From now on nothing of the project is there for anybody, nor comes back: its keys open nothing, its name is free,
  /// and what still comes out of the spool for it is left out. Its rows are for sweep_deleted_projects(). "not_found".
  virtual Status delete_project(ProjectId id) = 0;
  /// Removes some rows of deleted projects, few enough for others not to wait. False when there is nothing left to do:
  /// to be called now and then until it says so, also after a restart.
  virtual Result<bool> sweep_deleted_projects() = 0;
};

/// What the doors need to know, and what they count.
class IngestStore {
 public:
  virtual ~IngestStore() = default;

  virtual Result<IngestDirectory> load_ingest_directory() = 0;

  /// "not_found" when there is no such project.
  virtual Result<IngestSettings> find_ingest_settings(ProjectId project) = 0;

  /// Answers the key as it is kept. "not_found" without the project, "conflict" when the key exists.
  virtual Result<ProjectKey> create_key(const ProjectKey& key) = 0;
  /// The project's keys, in the order in which they were made.
  virtual Result<std::vector<ProjectKey>> list_keys(ProjectId project) = 0;
  /// Answers the key as it is then. "not_found" when there is no such key.
  virtual Result<ProjectKey> change_key(std::string_view public_key, const KeyChange& change) = 0;
  /// Forgets the key for good. "not_found".
  virtual Status delete_key(std::string_view public_key) = 0;

  /// Tells other collectors on the same database what was used of limits here (OthersNews).
  virtual Status tell_use(std::span<const QuotaUse> used) = 0;

  /// Adds to what was counted before. Of projects that are gone nothing is kept.
  virtual Status add_refusals(std::span<const RefusalCount> counts) = 0;
  /// Between `from` and `to`, oldest first.
  virtual Result<std::vector<RefusalCount>> find_refusals(ProjectId project, UnixMillis from, UnixMillis to) = 0;
};

/// What clients tell beside events.
class ItemStore {
 public:
  virtual ~ItemStore() = default;

  /// Stores items in one transaction. Idempotent by item id; updates of a session or a check-in replace what was known
  /// of it unless they are older. Items of projects that are gone are left out.
  virtual Status append_items(std::span<const StoredItem> items) = 0;

  virtual Result<Page<StoredItem>> find_items(const ItemQuery& query) = 0;

  /// An event's files, in the order in which they were stored; with their bytes only when asked for.
  virtual Result<std::vector<StoredItem>> find_attachments(ProjectId project, std::string_view event_id,
                                                           bool with_bytes) = 0;
  virtual Result<std::optional<StoredItem>> find_attachment(ProjectId project, std::string_view item_id) = 0;

  /// Removes some of the files that no attachment has any more, few enough for others not to wait. False when there is
  /// nothing left to do: to be called now and then. What a kill has left behind goes some hours after a start.
  virtual Result<bool> sweep_files() = 0;

  /// How the project's releases did, those with the most sessions first, at most 1,000. append_items() keeps it.
  virtual Result<std::vector<ReleaseHealth>> list_release_health(const ReleaseHealthQuery& query) = 0;
  /// One release's hours, oldest first; those without sessions are left out.
  virtual Result<std::vector<ReleaseHour>> list_release_hours(const ReleaseHealthQuery& query,
                                                              std::string_view release) = 0;
};

/// People, their sign-in sessions, one-time links, and API tokens. Secrets come in hashed: what is stored opens
/// nothing.
class AccountStore {
 public:
  virtual ~AccountStore() = default;

  /// "conflict" when the address is taken. `password_hash` is an Argon2id string.
  virtual Result<User> create_user(std::string_view email, Role role, std::string_view password_hash) = 0;

  struct Credentials {
    User user;
    std::string password_hash;
  };
  virtual Result<std::optional<Credentials>> find_credentials(std::string_view email) = 0;
  virtual Result<std::int64_t> count_users() = 0;

  virtual Status create_session(std::string_view session_hash, UserId user, UnixMillis expires_at) = 0;
  virtual Result<std::optional<User>> find_session_user(std::string_view session_hash, UnixMillis now) = 0;
  virtual Status delete_session(std::string_view session_hash) = 0;

  /// A link that lets whoever opens it first become the owner. A new one replaces the one before.
  virtual Status create_welcome_link(std::string_view link_hash, UnixMillis expires_at) = 0;

  /// Uses the link up and creates the owner in one transaction. "not_found" when the link is unknown, used or expired:
  /// then nobody was created and the link, if any, is as it was.
  virtual Result<User> create_owner_by_welcome_link(std::string_view link_hash, UnixMillis now, std::string_view email,
                                                    std::string_view password_hash) = 0;

  virtual Status create_token(std::string_view token_hash, std::string_view name, TokenScope scope) = 0;
  virtual Result<std::optional<ApiToken>> find_token(std::string_view token_hash) = 0;
};

/// Days on their way to the cold archive and back (archive/). RetentionPolicy::has_archive says that there is one.
class ArchiveStore {
 public:
  virtual ~ArchiveStore() = default;

  /// Reads, and holds up nobody.
  virtual Result<ArchivePage> find_events_to_archive(const ArchiveQuery& query) = 0;
  /// To be called before the first of a day's pages is read. "not_found" when there are no events of the day.
  virtual Status begin_archiving(std::int64_t day) = 0;
  /// After all was written: retention may take the day's events from now on, until others are stored in it. False when
  /// some were since begin_archiving(): then all is to be done again.
  virtual Result<bool> end_archiving(std::int64_t day) = 0;

  /// Stores events of that day again, which an archive had, in one transaction. Idempotent by (project, event id). They
  /// count as kept again; as events they count only as far as nobody has counted them, as of a group hash that is not
  /// known (any more). Retention leaves the day alone until `kept_until`, unless it needs the room. "day_leaving" when
  /// it is just taking the day away.
  virtual Result<RestoreOutcome> restore_events(std::int64_t day, std::span<const DigestedEvent> events,
                                                UnixMillis kept_until) = 0;
};

/// What other collectors on the same database did.
struct OthersNews {
  AppendOutcome outcome;  ///< counted_on and changes alone
  std::vector<ProjectId> deleted;
  std::vector<QuotaUse> used;  ///< at their doors
  bool has_gap = false;        ///< some is not known: the connection was broken
};
using OthersListener = std::function<void(const OthersNews&)>;

class Store : public EventStore,
              public ProjectStore,
              public IngestStore,
              public ItemStore,
              public AccountStore,
              public UserStore,
              public ArchiveStore {
 public:
  /// Ok when the database answers.
  virtual Status check() = 0;

  /// To be called before anything is digested, by who digests, once: under the name `node` the database keeps how far
  /// its spool has been digested (append()). "database_in_use" when another process digests under that name, or, with
  /// SQLite, into that file at all. Commands beside it may go on.
  virtual Status claim(std::string_view node) = 0;

  /// From now on `listener` is told what others do, by a thread of the store's, until stop_listening(). After claim(),
  /// once. Into a file nobody else digests, so that nothing is told.
  virtual void listen(OthersListener listener) = 0;
  virtual void stop_listening() = 0;

  /// One small step of making room, as the policy says: to be called again and again, soon when there is more to do.
  /// Others can hardly tell: each holds up writers for some milliseconds. May be called by several collectors on one
  /// database; one of them does the work.
  virtual Result<RetentionStep> retain(const RetentionPolicy& policy) = 0;

  /// What is wrong with parts of the database that the rest does without, in words.
  virtual std::vector<std::string> troubles() { return {}; }

  /// FileStore::end_soon().
  virtual void end_soon() {}
};

}  // namespace trapline::collector
