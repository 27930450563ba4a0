#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "collector/storage/records.h"
#include "collector/storage/sql/byte_budget.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/look_ahead.h"
#include "collector/storage/sql/search_writer.h"
#include "collector/storage/store.h"

namespace trapline::collector::sql {

/// What decides whether an event is kept or only counted.
struct Keeping {
  const KeepRule& rule;  ///< may be empty: all
  ByteBudget& budget;
};

/// Of a project's ids of events that were only counted, so many from before a time.
constexpr std::string_view kForgetCounted = R"(DELETE FROM event_counted WHERE project_id = ?1 AND event_id IN
       (SELECT event_id FROM event_counted WHERE project_id = ?1 AND received_at < ?2 LIMIT ?3))";

/// Stores events, finding or making the issue of each. Remembers which hash leads to which issue, so that a known kind
/// of event costs one insert and its share of its issue's update, which is done once a batch. Not thread-safe; there is
/// one for the writing connection.
class EventWriter {
 public:
  explicit EventWriter(Connection& connection);

  /// EventStore::append() inside its transaction. `packed` are the events' bytes, in the order of `batch`. When it
  /// throws, nothing of the batch may be committed.
  AppendOutcome append(std::span<const DigestedEvent> batch, std::span<const std::string* const> packed,
                       const Keeping& keeping, std::string_view node, UnixMillis now);

  /// ArchiveStore::restore_events() inside its transaction, with `packed` as above.
  RestoreOutcome restore(std::int64_t day, std::span<const DigestedEvent> batch,
                         std::span<const std::string* const> packed, UnixMillis kept_until, UnixMillis now);

  /// Must be called when a transaction with append() or restore() was rolled back.
  void forget();

 private:
  struct Placed {
    std::int64_t hash_id = 0;  ///< 0: there is no issue for it
    IssueId issue_id = 0;
  };

  enum class Fate { kKept, kCountedOnly, kKnown };

  Fate write(const DigestedEvent& event, const std::string& packed, const Keeping& keeping, Placed& place,
             std::unordered_set<IssueId>& new_issues, UnixMillis now);
  bool is_live(ProjectId project, std::unordered_map<ProjectId, bool>& known);
  std::unordered_map<IssueId, IssueAddition> write_tallies(const std::unordered_map<std::int64_t, HashTally>& tallies,
                                                           const std::unordered_set<IssueId>& new_issues);
  void look_around(std::span<const DigestedEvent> batch);
  void look_around();
  bool open_restored_day(std::int64_t day);
  void keep_restored_day(std::int64_t day, bool was_there, UnixMillis kept_until);
  bool is_stored_on(std::int64_t day, ProjectId project, std::string_view id);
  void count_restored(std::int64_t hash_id, IssueId issue, std::span<const DigestedEvent* const> events,
                      std::unordered_map<std::int64_t, HashTally>& tallies, UnixMillis now);
  Placed look_up_place(const DigestedEvent& event);
  Placed make_place(const DigestedEvent& event, std::unordered_set<IssueId>& new_issues);
  void remember(std::string key, Placed place);
  IssueId make_issue(const DigestedEvent& event);
  std::int64_t add_hashes(const DigestedEvent& event, IssueId issue);
  std::optional<Placed> look_up(ProjectId project, int kind, const std::string& hash);
  bool is_known(const DigestedEvent& event, std::string_view id);
  bool takes_events(UnixMillis received_at);
  void keep(const DigestedEvent& event, std::string_view id, std::int64_t hash_id, const std::string& packed);
  void count_only(const DigestedEvent& event, std::string_view id, UnixMillis now);
  void forget_counted(UnixMillis before);
  std::int64_t next_row_id(UnixMillis received_at);

  Connection& connection_;
  NameIds names_;
  SearchWriter search_;
  std::optional<KnownEvents> ahead_;                          ///< of this batch, from a remote database
  std::unordered_map<std::string, Placed> places_;            ///< by project and fine hash
  std::unordered_map<std::int64_t, bool> days_;               ///< whether they take events
  bool has_counted_only_ = false;                             ///< whether event_counted has rows
  std::unordered_map<ProjectId, std::int64_t> counted_only_;  ///< how many of this batch
  std::int64_t epoch_ = -1;                                   ///< of place_epoch, in which the rest was true
  std::int64_t row_id_base_ = -1;                             ///< the millisecond that next_row_id_ belongs to
  std::int64_t next_row_id_ = 0;
};

}  // namespace trapline::collector::sql
