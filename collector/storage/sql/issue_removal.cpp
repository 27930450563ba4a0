#include "collector/storage/sql/issue_removal.h"

#include <string_view>

#include "collector/storage/sql/digest_tables.h"

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kOfItsHashes[] = {
    "DELETE FROM hash_user WHERE hash_id IN (SELECT id FROM issue_hash WHERE issue_id = ?)",
    "DELETE FROM hash_hour WHERE hash_id IN (SELECT id FROM issue_hash WHERE issue_id = ?)",
    "DELETE FROM hash_tag WHERE hash_id IN (SELECT id FROM issue_hash WHERE issue_id = ?)",
    "DELETE FROM hash_presence WHERE hash_id IN (SELECT id FROM issue_hash WHERE issue_id = ?)",
    "DELETE FROM issue_hash WHERE issue_id = ?",
    "DELETE FROM issue_history WHERE issue_id = ?",
    "DELETE FROM issue WHERE id = ?",
};

}  // namespace

void give_away_coarse_hashes(Connection& connection, IssueId issue) {
  connection
      .prepare(R"(
    UPDATE issue_hash SET issue_id = (SELECT fine.issue_id FROM issue_hash AS fine WHERE fine.coarse_id = issue_hash.id LIMIT 1)
    WHERE issue_id = ?1 AND kind = 1 AND EXISTS (SELECT 1 FROM issue_hash AS fine WHERE fine.coarse_id = issue_hash.id))")
      .bind(issue)
      .run();
  connection.prepare("DELETE FROM issue_hash WHERE issue_id = ? AND kind = 1").bind(issue).run();
}

void remove_issue(Connection& connection, IssueId issue) {
  // Fine hashes first forget their coarse ones, which may be another issue's or lead on to one.
  connection.prepare("UPDATE issue_hash SET coarse_id = NULL WHERE issue_id = ? AND kind = 0").bind(issue).run();
  give_away_coarse_hashes(connection, issue);
  for (const std::string_view sql : kOfItsHashes) connection.prepare(sql).bind(issue).run();
  end_place_epoch(connection);
}

}  // namespace trapline::collector::sql
