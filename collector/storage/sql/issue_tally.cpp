#include "collector/storage/sql/issue_tally.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <sodium.h>

#include "collector/storage/issue_life.h"
#include "collector/storage/sql/issue_overview.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// The maps of names forget all when they grow over this: a project with a release a minute must not fill the memory.
constexpr std::size_t kMostNames = 20'000;
/// A release's last_seen is written no more often than this.
constexpr UnixMillis kLastSeenLag = 60'000;

constexpr std::string_view kUpsertRelease = R"(
  INSERT INTO "release" (project_id, version, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (project_id, version) DO UPDATE SET
    first_seen = min("release".first_seen, excluded.first_seen), last_seen = max("release".last_seen, excluded.last_seen)
  RETURNING id, first_seen, last_seen)";
constexpr std::string_view kUpsertEnvironment = R"(
  INSERT INTO environment (project_id, name) VALUES (?1, ?2)
  ON CONFLICT (project_id, name) DO UPDATE SET name = excluded.name
  RETURNING id)";
constexpr std::string_view kCountHour = R"(
  INSERT INTO hash_hour (hash_id, hour, count) VALUES (?1, ?2, ?3)
  ON CONFLICT (hash_id, hour) DO UPDATE SET count = hash_hour.count + excluded.count)";
constexpr std::string_view kInsertUser =
    "INSERT INTO hash_user (hash_id, \"user\") VALUES (?1, ?2) ON CONFLICT DO NOTHING";
// Whether another hash of the issue has had the user.
constexpr std::string_view kIsUserOfIssue = R"(
  SELECT 1 FROM issue_hash JOIN hash_user ON hash_id = issue_hash.id AND "user" = ?2
  WHERE issue_id = ?1 AND issue_hash.id <> ?3)";
constexpr std::string_view kCountPresence = R"(
  INSERT INTO hash_presence (hash_id, release_id, environment_id, count, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT (hash_id, release_id, environment_id) DO UPDATE SET
    count = hash_presence.count + excluded.count,
    first_seen = min(hash_presence.first_seen, excluded.first_seen),
    last_seen = max(hash_presence.last_seen, excluded.last_seen))";
constexpr std::string_view kUpdateHash = R"(
  UPDATE issue_hash SET
    title = iif(?5 >= last_seen, ?2, title),
    first_seen = iif(count = 0, ?4, min(first_seen, ?4)), last_seen = max(last_seen, ?5),
    count = count + ?3, stored_count = stored_count + ?6
  WHERE id = ?1)";
// What an issue shows is what its newest event says; a late, old event changes nothing but counts and first_seen.
constexpr std::string_view kUpdateIssue = R"(
  UPDATE issue SET
    title    = iif(?3 >= last_seen, ?4, title),
    type     = iif(?3 >= last_seen, ?5, type),
    value    = iif(?3 >= last_seen, ?6, value),
    culprit  = iif(?3 >= last_seen, ?7, culprit),
    platform = iif(?3 >= last_seen, ?8, platform),
    level    = iif(?3 >= last_seen, ?9, level),
    count        = count + ?10,
    stored_count = stored_count + ?11,
    user_count   = user_count + ?12,
    first_seen = min(first_seen, ?2),
    last_seen  = max(last_seen, ?3),
    overview    = ?13
  WHERE id = ?1
  RETURNING count, user_count, status, status_at, resolved_release, resolved_is_next, ignored_until,
            ignored_until_count, ignored_until_users)";
constexpr std::string_view kReleaseFirstSeen =
    R"(SELECT first_seen FROM "release" WHERE project_id = ? AND version = ?)";

std::string key_of(ProjectId project, std::string_view name) {
  return std::to_string(project) + ' ' + std::string(name);
}

std::optional<std::int64_t> optional_integer(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

std::optional<UnixMillis> first_seen_of(Connection& connection, ProjectId project, std::string_view release) {
  Statement statement = connection.prepare(kReleaseFirstSeen);
  statement.bind(project, release);
  if (!statement.step()) return std::nullopt;
  return statement.integer(0);
}

}  // namespace

std::int64_t user_hash(std::string_view user) {
  // A fixed key: this is a number for counting, stable for ever, not a secret.
  constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> kKey{};
  std::array<unsigned char, crypto_shorthash_BYTES> hash{};
  crypto_shorthash(hash.data(), reinterpret_cast<const unsigned char*>(user.data()), user.size(), kKey.data());
  std::int64_t number = 0;
  std::memcpy(&number, hash.data(), sizeof number);
  return number;
}

std::int64_t NameIds::release(ProjectId project, std::string_view version, UnixMillis first_seen,
                              UnixMillis last_seen) {
  std::string key = key_of(project, version);
  const auto found = releases_.find(key);
  const bool is_told = found != releases_.end() && first_seen >= found->second.first_seen &&
                       last_seen <= found->second.last_seen + kLastSeenLag;
  if (is_told) return found->second.id;
  if (releases_.size() >= kMostNames) releases_.clear();
  Statement statement = connection_.prepare(kUpsertRelease);
  statement.bind(project, version, first_seen, last_seen);
  statement.step();
  const Release release{statement.integer(0), statement.integer(1), statement.integer(2)};
  statement.run();
  releases_.insert_or_assign(std::move(key), release);
  return release.id;
}

std::int64_t NameIds::environment(ProjectId project, std::string_view name) {
  std::string key = key_of(project, name);
  if (const auto found = environments_.find(key); found != environments_.end()) return found->second;
  if (environments_.size() >= kMostNames) environments_.clear();
  Statement statement = connection_.prepare(kUpsertEnvironment);
  statement.bind(project, name);
  statement.step();
  const std::int64_t id = statement.integer(0);
  statement.run();
  environments_.emplace(std::move(key), id);
  return id;
}

void NameIds::forget() {
  releases_.clear();
  environments_.clear();
}

void HashTally::add(const DigestedEvent& event, bool is_kept, bool with_user) {
  const bool is_first = newest_ == nullptr;
  first_seen_ = is_first ? event.timestamp : std::min(first_seen_, event.timestamp);
  last_seen_ = is_first ? event.timestamp : std::max(last_seen_, event.timestamp);
  if (is_first || event.timestamp >= newest_->timestamp) newest_ = &event;
  count_ += event.occurrences;
  if (is_kept) ++stored_;
  hours_[start_of(event.timestamp, kHourMs)] += event.occurrences;
  const std::string& user = event.user_identity.empty() ? event.user : event.user_identity;
  if (with_user && !user.empty()) users_.insert(user_hash(user));
  Presence& presence = presences_[{event.release, event.environment}];
  presence.first_seen = presence.count == 0 ? event.timestamp : std::min(presence.first_seen, event.timestamp);
  presence.last_seen = std::max(presence.last_seen, event.timestamp);
  presence.last_occurred = std::max(presence.last_occurred, time_of_occurrence(event.timestamp, event.received_at));
  presence.count += event.occurrences;
}

void HashTally::write(Connection& connection, NameIds& names) const {
  connection.prepare(kUpdateHash)
      .bind(hash_id_, std::string_view(newest_->title), count_, first_seen_, last_seen_, stored_)
      .run();
  for (const auto& [hour, count] : hours_) connection.prepare(kCountHour).bind(hash_id_, hour, count).run();
  for (const auto& [place, presence] : presences_) {
    const std::int64_t release =
        names.release(newest_->project_id, place.first, presence.first_seen, presence.last_seen);
    const std::int64_t environment = names.environment(newest_->project_id, place.second);
    count_presence(connection, hash_id_, release, environment, presence.count, presence.first_seen, presence.last_seen);
  }
}

std::int64_t HashTally::write_users(Connection& connection) const {
  std::int64_t new_users = 0;
  for (const std::int64_t user : users_) {
    connection.prepare(kInsertUser).bind(hash_id_, user).run();
    if (connection.changes() == 0) continue;
    Statement other = connection.prepare(kIsUserOfIssue);
    other.bind(issue_id_, user, hash_id_);
    if (!other.step()) ++new_users;
  }
  return new_users;
}

namespace {

/// What an issue's hashes gathered, together.
struct IssueSum {
  const DigestedEvent* newest = nullptr;
  UnixMillis first_seen = 0;
  UnixMillis last_seen = 0;
  std::int64_t count = 0;
  std::int64_t stored = 0;
};

IssueSum sum_of(const std::vector<const HashTally*>& tallies) {
  IssueSum sum{&tallies.front()->newest(), tallies.front()->first_seen(), tallies.front()->last_seen()};
  for (const HashTally* tally : tallies) {
    if (tally->newest().timestamp > sum.newest->timestamp) sum.newest = &tally->newest();
    sum.first_seen = std::min(sum.first_seen, tally->first_seen());
    sum.last_seen = std::max(sum.last_seen, tally->last_seen());
    sum.count += tally->count();
    sum.stored += tally->stored();
  }
  return sum;
}

/// What the issue's row is to say in short.
std::string overview_with(Connection& connection, IssueId issue, const IssueAddition& addition) {
  std::optional<IssueOverview> overview;
  if (addition.is_new) {
    overview.emplace();
  } else if (addition.before) {
    overview = IssueOverview::parse(addition.before->overview);
  } else {
    Statement row = connection.prepare("SELECT overview FROM issue WHERE id = ?");
    row.bind(issue);
    if (row.step()) overview = IssueOverview::parse(row.text(0));
  }
  // Its hashes' rows have the batch already.
  if (!overview) return IssueOverview::read(connection, issue).to_text();
  for (const HashTally* tally : addition.tallies) {
    for (const auto& [hour, count] : tally->hours()) overview->add_events(hour, count);
    for (const auto& [place, presence] : tally->presences()) {
      overview->add_presence(place.first, place.second, presence.first_seen, presence.last_seen);
    }
  }
  return overview->to_text();
}

/// Adds it to the issue's row. Answers what that says then.
IssueCounts add_to_row(Connection& connection, IssueId issue, const IssueSum& sum, const IssueAddition& addition) {
  const DigestedEvent& newest = *sum.newest;
  const std::string overview = overview_with(connection, issue, addition);
  Statement statement = connection.prepare(kUpdateIssue);
  statement.bind(issue, sum.first_seen, sum.last_seen, std::string_view(newest.title), std::string_view(newest.type),
                 std::string_view(newest.value), std::string_view(newest.culprit), std::string_view(newest.platform),
                 static_cast<int>(newest.level), sum.count, sum.stored, addition.new_users, std::string_view(overview));
  if (addition.before) {
    statement.run();
    return {
        addition.before->count + sum.count, addition.before->users + addition.new_users, addition.before->state, {}};
  }
  statement.step();
  IssueCounts counts{statement.integer(0), statement.integer(1), read_state(statement, 2), {}};
  statement.run();
  return counts;
}

bool is_regression(Connection& connection, const IssueState& state, ProjectId project, const HashTally& tally) {
  for (const auto& [place, presence] : tally.presences()) {
    if (brings_back(state, place.first, presence.last_occurred,
                    [&](std::string_view release) { return first_seen_of(connection, project, release); })) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<IssueChange> update_issue(Connection& connection, const IssueAddition& addition, UnixMillis now) {
  const IssueId issue = addition.tallies.front()->issue_id();
  const IssueSum sum = sum_of(addition.tallies);
  const ProjectId project = sum.newest->project_id;
  const auto [count, users, state, overview] = add_to_row(connection, issue, sum, addition);
  const auto change = [&](IssueChangeKind kind, std::string_view word, std::string_view details) {
    add_history(connection, issue, now, word, "", details);
    return std::vector<IssueChange>{{issue, project, kind}};
  };
  if (addition.is_new) return change(IssueChangeKind::kNew, kHistoryNew, "{}");
  if (state.status != IssueStatus::kResolved && state.status != IssueStatus::kIgnored) return {};
  bool has_regressed = false;
  for (const HashTally* tally : addition.tallies) {
    has_regressed = has_regressed || is_regression(connection, state, project, *tally);
  }
  if (!has_regressed && !ends_ignoring(state, count, users, now)) return {};
  const std::string before = describe_state(state);
  IssueState open;
  open.status_at = now;
  write_state(connection, issue, open);
  return has_regressed ? change(IssueChangeKind::kRegressed, kHistoryRegressed, before)
                       : change(IssueChangeKind::kUnignored, kHistoryUnignored, before);
}

void add_history(Connection& connection, IssueId issue, UnixMillis at, std::string_view kind, std::string_view actor,
                 std::string_view details) {
  connection.prepare("INSERT INTO issue_history (issue_id, at, kind, actor, details) VALUES (?, ?, ?, ?, ?)")
      .bind(issue, at, kind, actor, details)
      .run();
}

IssueState read_state(const Statement& row, int first_column) {
  IssueState state;
  state.status = static_cast<IssueStatus>(row.integer(first_column));
  state.status_at = row.integer(first_column + 1);
  if (!row.is_null(first_column + 2)) state.resolved_release = row.text(first_column + 2);
  state.resolved_is_next = row.integer(first_column + 3) != 0;
  state.ignored_until = optional_integer(row, first_column + 4);
  state.ignored_until_count = optional_integer(row, first_column + 5);
  state.ignored_until_users = optional_integer(row, first_column + 6);
  return state;
}

void write_state(Connection& connection, IssueId issue, const IssueState& state) {
  Statement statement = connection.prepare(R"(
    UPDATE issue SET status = ?, status_at = ?, resolved_release = ?, resolved_is_next = ?, ignored_until = ?,
                     ignored_until_count = ?, ignored_until_users = ?
    WHERE id = ?)");
  statement.bind(static_cast<int>(state.status), state.status_at, state.resolved_release, state.resolved_is_next,
                 state.ignored_until, state.ignored_until_count, state.ignored_until_users, issue);
  statement.run();
}

void count_presence(Connection& connection, std::int64_t hash_id, std::int64_t release_id, std::int64_t environment_id,
                    std::int64_t count, UnixMillis first_seen, UnixMillis last_seen) {
  connection.prepare(kCountPresence).bind(hash_id, release_id, environment_id, count, first_seen, last_seen).run();
}

}  // namespace trapline::collector::sql
