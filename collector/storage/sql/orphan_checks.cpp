#include "collector/storage/sql/orphan_checks.h"

#include <map>
#include <string>
#include <string_view>

#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/issue_removal.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/lost_events.h"
#include "collector/storage/sql/lost_projects.h"

namespace trapline::collector::sql {
namespace {

/// Deleted at once.
constexpr std::int64_t kRowsInStep = 1'000;

constexpr std::string_view kHours =
    "DELETE FROM hash_hour WHERE hash_id = ?1 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE id = ?1) AND hour IN "
    "(SELECT hour FROM hash_hour WHERE hash_id = ?1 LIMIT ?2)";
constexpr std::string_view kUsers =
    "DELETE FROM hash_user WHERE hash_id = ?1 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE id = ?1) AND \"user\" IN "
    "(SELECT \"user\" FROM hash_user WHERE hash_id = ?1 LIMIT ?2)";
constexpr std::string_view kTags =
    "DELETE FROM hash_tag WHERE hash_id = ?1 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE id = ?1) AND tag_id IN "
    "(SELECT tag_id FROM hash_tag WHERE hash_id = ?1 LIMIT ?2)";
constexpr std::string_view kHashesOfTag =
    "DELETE FROM hash_tag WHERE tag_id = ?1 AND NOT EXISTS (SELECT 1 FROM tag WHERE id = ?1) AND hash_id IN "
    "(SELECT hash_id FROM tagged_hash WHERE tag_id = ?1 LIMIT ?2)";
constexpr std::string_view kTagKeys =
    "DELETE FROM hash_tag_key WHERE hash_id = ?1 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE id = ?1) AND key IN "
    "(SELECT key FROM hash_tag_key WHERE hash_id = ?1 LIMIT ?2)";
constexpr std::string_view kEnvironments =
    "DELETE FROM hash_environment WHERE hash_id = ?1 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE id = ?1) "
    "AND environment_id IN (SELECT environment_id FROM hash_environment WHERE hash_id = ?1 LIMIT ?2)";
constexpr std::string_view kPresences =
    "DELETE FROM hash_presence WHERE hash_id = ?1 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE id = ?1) "
    "AND (release_id, environment_id) IN "
    "(SELECT release_id, environment_id FROM hash_presence WHERE hash_id = ?1 LIMIT ?2)";
constexpr std::string_view kHistoryOfNone =
    "DELETE FROM issue_history WHERE id IN (SELECT id FROM issue_history WHERE issue_id = ?1 LIMIT ?2) "
    "AND NOT EXISTS (SELECT 1 FROM issue WHERE id = ?1)";

/// Mends by deleting what the statement finds by the key, some rows at a time.
std::function<bool(Connection&, std::int64_t)> delete_rows(std::string_view sql) {
  return [sql](Connection& connection, std::int64_t key) {
    for (std::int64_t deleted = kRowsInStep; deleted >= kRowsInStep;) {
      Transaction transaction(connection);
      connection.prepare(sql).bind(key, kRowsInStep).run();
      deleted = connection.changes();
      transaction.commit();
    }
    return true;
  };
}

bool has_fine_hash(Connection& connection, IssueId issue) {
  Statement fine = connection.prepare("SELECT 1 FROM issue_hash WHERE issue_id = ? AND kind = 0");
  fine.bind(issue);
  return fine.step();
}

/// An issue that hashes lead to and that is gone is made again from the one that was seen last.
bool remake_issue(Connection& connection, const Sealer& sealer, IssueId issue) {
  PayloadDictionaries dictionaries(sealer);
  Transaction transaction(connection);
  if (has_fine_hash(connection, issue)) {
    connection
        .prepare(R"(
      INSERT INTO issue (id, project_id, title, type, value, culprit, platform, level, count, stored_count, first_seen, last_seen)
      SELECT ?1, project_id, title, '', '', '', '', ?2, 0, 0, 0, 0 FROM issue_hash WHERE issue_id = ?1 AND kind = 0
      ORDER BY last_seen DESC LIMIT 1 ON CONFLICT (id) DO NOTHING)")
        .bind(issue, static_cast<int>(Level::kError))
        .run();
    recount(connection, issue);
    retitle(connection, dictionaries, issue);
  } else {
    give_away_coarse_hashes(connection, issue);
  }
  end_place_epoch(connection);
  transaction.commit();
  return true;
}

bool forget_coarse_hash(Connection& connection, std::int64_t hash) {
  Transaction transaction(connection);
  connection
      .prepare(
          "UPDATE issue_hash SET coarse_id = NULL WHERE id = ?1 AND NOT EXISTS "
          "(SELECT 1 FROM issue_hash AS coarse WHERE coarse.id = issue_hash.coarse_id AND coarse.kind = 1)")
      .bind(hash)
      .run();
  transaction.commit();
  return true;
}

bool delete_empty_issue(Connection& connection, IssueId issue) {
  Transaction transaction(connection);
  if (has_fine_hash(connection, issue)) return true;
  give_away_coarse_hashes(connection, issue);
  connection.prepare("DELETE FROM issue_history WHERE issue_id = ?").bind(issue).run();
  connection.prepare("DELETE FROM issue WHERE id = ?").bind(issue).run();
  end_place_epoch(connection);
  transaction.commit();
  return true;
}

/// A row of hash_presence that names what is not there.
struct LostPresence {
  std::int64_t release = 0;
  std::int64_t environment = 0;
  bool has_release = false;
  bool has_environment = false;
  std::int64_t count = 0;
  UnixMillis first_seen = 0;
  UnixMillis last_seen = 0;
};

std::vector<LostPresence> lost_presences(Connection& connection, std::int64_t hash) {
  Statement rows = connection.prepare(R"(
    SELECT release_id, environment_id, has_release, has_environment, count, first_seen, last_seen FROM (
      SELECT release_id, environment_id, count, first_seen, last_seen,
             CASE WHEN EXISTS (SELECT 1 FROM "release" WHERE id = release_id) THEN 1 ELSE 0 END AS has_release,
             CASE WHEN EXISTS (SELECT 1 FROM environment WHERE id = environment_id) THEN 1 ELSE 0 END AS has_environment
      FROM hash_presence WHERE hash_id = ?1) AS named
    WHERE has_release = 0 OR has_environment = 0)");
  rows.bind(hash);
  std::vector<LostPresence> lost;
  while (rows.step()) {
    lost.push_back({rows.integer(0), rows.integer(1), rows.integer(2) != 0, rows.integer(3) != 0, rows.integer(4),
                    rows.integer(5), rows.integer(6)});
  }
  return lost;
}

/// The name is not known any more: what was counted there is counted where no name was given.
bool rename_presences(Connection& connection, std::int64_t hash) {
  Transaction transaction(connection);
  NameIds names(connection);
  std::int64_t project = 0;
  {
    Statement owner = connection.prepare("SELECT project_id FROM issue_hash WHERE id = ?");
    owner.bind(hash);
    if (!owner.step()) return false;
    project = owner.integer(0);
  }
  for (const LostPresence& lost : lost_presences(connection, hash)) {
    const std::int64_t release =
        lost.has_release ? lost.release : names.release(project, "", lost.first_seen, lost.last_seen);
    const std::int64_t environment = lost.has_environment ? lost.environment : names.environment(project, "");
    connection.prepare("DELETE FROM hash_presence WHERE hash_id = ? AND release_id = ? AND environment_id = ?")
        .bind(hash, lost.release, lost.environment)
        .run();
    if (!lost.has_environment) {
      connection.prepare("DELETE FROM hash_environment WHERE hash_id = ? AND environment_id = ?")
          .bind(hash, lost.environment)
          .run();
    }
    count_presence(connection, hash, release, environment, lost.count, lost.first_seen, lost.last_seen);
  }
  connection.prepare("UPDATE issue SET overview = '' WHERE id = (SELECT issue_id FROM issue_hash WHERE id = ?)")
      .bind(hash)
      .run();
  end_place_epoch(connection);
  transaction.commit();
  return true;
}

std::string lost_names_sql() {
  return R"(
    SELECT hash_id, count(*) FROM hash_presence JOIN issue_hash ON issue_hash.id = hash_id
    WHERE hash_id > ?1 AND hash_id <= ?2 AND )" +
         std::string(kOfLiveProject) +
         R"( AND (NOT EXISTS (SELECT 1 FROM "release" WHERE "release".id = release_id)
                  OR NOT EXISTS (SELECT 1 FROM environment WHERE environment.id = environment_id))
    GROUP BY hash_id)";
}

/// A tag's rows go with what was derived of them.
bool remove_lost_tag(Connection& connection, std::int64_t tag) {
  if (!delete_rows(kHashesOfTag)(connection, tag)) return false;
  // A table of its own there, which may have what hash_tag has not.
  if (connection.is_remote()) connection.prepare("DELETE FROM tagged_hash WHERE tag_id = ?").bind(tag).run();
  return true;
}

/// Group hashes of which the database has derived too little, or what is there no more.
std::string wrongly_derived_sql() {
  return R"(
    SELECT id, count(*) FROM (
      SELECT hash_id AS id FROM hash_tag JOIN tag ON tag.id = tag_id WHERE hash_id > ?1 AND hash_id <= ?2
        AND NOT EXISTS (SELECT 1 FROM hash_tag_key WHERE hash_tag_key.hash_id = hash_tag.hash_id
                        AND hash_tag_key.key = tag.key)
      UNION ALL SELECT hash_id FROM hash_tag_key WHERE hash_id > ?1 AND hash_id <= ?2
        AND NOT EXISTS (SELECT 1 FROM hash_tag JOIN tag ON tag.id = tag_id
                        WHERE hash_tag.hash_id = hash_tag_key.hash_id AND tag.key = hash_tag_key.key)
      UNION ALL SELECT hash_id FROM hash_presence WHERE hash_id > ?1 AND hash_id <= ?2
        AND NOT EXISTS (SELECT 1 FROM hash_environment WHERE hash_environment.hash_id = hash_presence.hash_id
                        AND hash_environment.environment_id = hash_presence.environment_id)
      UNION ALL SELECT hash_id FROM hash_environment WHERE hash_id > ?1 AND hash_id <= ?2
        AND NOT EXISTS (SELECT 1 FROM hash_presence WHERE hash_presence.hash_id = hash_environment.hash_id
                        AND hash_presence.environment_id = hash_environment.environment_id)
      UNION ALL SELECT hash_id FROM hash_tag WHERE hash_id > ?1 AND hash_id <= ?2
        AND NOT EXISTS (SELECT 1 FROM tagged_hash WHERE tagged_hash.tag_id = hash_tag.tag_id
                        AND tagged_hash.hash_id = hash_tag.hash_id)
    ) AS wrong WHERE id IN (SELECT id FROM issue_hash WHERE )" +
         std::string(kOfLiveProject) + ") GROUP BY id";
}

bool derive_again(Connection& connection, std::int64_t hash) {
  Transaction transaction(connection);
  for (const char* sql :
       {"DELETE FROM hash_tag_key WHERE hash_id = ?", "DELETE FROM hash_environment WHERE hash_id = ?",
        "INSERT INTO hash_tag_key (hash_id, key, project_id) SELECT DISTINCT hash_id, key, project_id FROM hash_tag "
        "JOIN tag ON tag.id = tag_id WHERE hash_id = ?",
        "INSERT INTO hash_environment (hash_id, environment_id) SELECT DISTINCT hash_id, environment_id "
        "FROM hash_presence WHERE hash_id = ?"}) {
    connection.prepare(sql).bind(hash).run();
  }
  if (connection.is_remote()) {
    connection
        .prepare(
            "INSERT INTO tagged_hash (tag_id, hash_id) SELECT tag_id, hash_id FROM hash_tag WHERE hash_id = ? "
            "ON CONFLICT DO NOTHING")
        .bind(hash)
        .run();
  }
  transaction.commit();
  return true;
}

Check sign_in_sessions() {
  return {"sign-ins of accounts that are not there",
          [](Connection& connection, std::int64_t) {
            Slice slice;
            Statement rows = connection.prepare(
                "SELECT DISTINCT account_id FROM sign_in_session WHERE account_id NOT IN (SELECT id FROM account)");
            while (rows.step()) {
              slice.faults.push_back({rows.integer(0), "account " + std::to_string(rows.integer(0))});
            }
            return slice;
          },
          [](Connection& connection, std::int64_t account) {
            Transaction transaction(connection);
            connection
                .prepare(
                    "DELETE FROM sign_in_session WHERE account_id = ?1 AND NOT EXISTS "
                    "(SELECT 1 FROM account WHERE id = ?1)")
                .bind(account)
                .run();
            transaction.commit();
            return true;
          }};
}

}  // namespace

std::vector<Check> orphan_checks(UnixMillis now, const Sealer& sealer) {
  return {
      lost_projects(now),
      {"group hashes of issues that are not there", ask_for_owners({"issue_hash", "issue_id", "issue"}),
       [&sealer](Connection& connection, std::int64_t issue) { return remake_issue(connection, sealer, issue); }},
      {"coarse hashes that are not there",
       ask_by_ranges({"issue_hash",
                      "SELECT id, coarse_id FROM issue_hash WHERE id > ?1 AND id <= ?2 AND coarse_id IS NOT NULL "
                      "AND NOT EXISTS (SELECT 1 FROM issue_hash AS coarse WHERE coarse.id = issue_hash.coarse_id "
                      "AND coarse.kind = 1)",
                      "group hash {0} names the coarse hash {1}"}),
       forget_coarse_hash},
      {"events of group hashes that are not there",
       ask_by_ranges({"event",
                      "SELECT hash_id, count(*) FROM event WHERE id > ?1 AND id <= ?2 AND NOT EXISTS "
                      "(SELECT 1 FROM issue_hash WHERE issue_hash.id = hash_id) GROUP BY hash_id",
                      "{1} rows of event name issue_hash {0}, which is not there"}),
       [now, &sealer](Connection& connection, std::int64_t hash) {
         return regroup_events(connection, sealer, hash, now);
       }},
      {"hours of group hashes that are not there", ask_for_owners({"hash_hour", "hash_id", "issue_hash"}),
       delete_rows(kHours)},
      {"users of group hashes that are not there", ask_for_owners({"hash_user", "hash_id", "issue_hash"}),
       delete_rows(kUsers)},
      {"tags of group hashes that are not there", ask_for_owners({"hash_tag", "hash_id", "issue_hash"}),
       delete_rows(kTags)},
      {"tags that are not there", ask_for_owners({"tagged_hash", "tag_id", "tag"}), remove_lost_tag},
      {"keys of tags of group hashes that are not there", ask_for_owners({"hash_tag_key", "hash_id", "issue_hash"}),
       delete_rows(kTagKeys)},
      {"environments of group hashes that are not there", ask_for_owners({"hash_environment", "hash_id", "issue_hash"}),
       delete_rows(kEnvironments)},
      {"releases and environments of group hashes that are not there",
       ask_for_owners({"hash_presence", "hash_id", "issue_hash"}), delete_rows(kPresences)},
      {"history of issues that are not there", ask_for_owners({"issue_history", "issue_id", "issue"}),
       delete_rows(kHistoryOfNone)},
      {"issues without a group hash",
       ask_by_ranges({"issue",
                      "SELECT id, count FROM issue WHERE id > ?1 AND id <= ?2 AND NOT EXISTS "
                      "(SELECT 1 FROM issue_hash WHERE issue_id = issue.id AND kind = 0) AND " +
                          std::string(kOfLiveProject),
                      "issue {0}, count {1}"}),
       delete_empty_issue},
      {"releases and environments that are not there",
       ask_by_ranges({"issue_hash", lost_names_sql(), "group hash {0} was seen in {1} of them"}), rename_presences},
      {"keys of tags, and environments, of group hashes",
       ask_by_ranges({"issue_hash", wrongly_derived_sql(), "{1} of group hash {0} are wrong, or not there"}),
       derive_again},
      sign_in_sessions(),
  };
}

}  // namespace trapline::collector::sql
