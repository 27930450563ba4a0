#include "collector/storage/sql/erasure_rest.h"

namespace trapline::collector::sql {

void note_rest(Connection& writer, const Rest& rest) {
  writer
      .prepare(
          "INSERT INTO erasure_rest (hash_id, kind, subject, count) VALUES (?, ?, ?, ?) "
          "ON CONFLICT (hash_id, kind, subject) DO UPDATE SET count = erasure_rest.count + excluded.count")
      .bind(rest.hash_id, static_cast<int>(rest.kind), rest.subject, rest.count)
      .run();
}

std::vector<std::int64_t> subjects_of(Connection& reader, std::int64_t hash, RestKind kind) {
  std::vector<std::int64_t> subjects;
  Statement rows = reader.prepare("SELECT subject FROM erasure_rest WHERE hash_id = ? AND kind = ?");
  rows.bind(hash, static_cast<int>(kind));
  while (rows.step()) subjects.push_back(rows.integer(0));
  return subjects;
}

std::vector<std::int64_t> hashes_to_settle(Connection& reader, std::size_t most) {
  std::vector<std::int64_t> hashes;
  Statement rows = reader.prepare("SELECT hash_id FROM erasure_rest WHERE kind = 0 ORDER BY hash_id LIMIT ?");
  rows.bind(most);
  while (rows.step()) hashes.push_back(rows.integer(0));
  return hashes;
}

std::int64_t count_hashes_to_settle(Connection& reader) {
  Statement count = reader.prepare("SELECT count(*) FROM erasure_rest WHERE kind = 0");
  count.step();
  return count.integer(0);
}

void hash_is_settled(Connection& writer, std::int64_t hash) {
  std::int64_t count = 0;
  {
    Statement row = writer.prepare("SELECT count FROM erasure_rest WHERE hash_id = ? AND kind = 0");
    row.bind(hash);
    if (row.step()) count = row.integer(0);
  }
  note_rest(writer, {hash, RestKind::kIssue, 0, count});
  writer.prepare("DELETE FROM erasure_rest WHERE hash_id = ? AND kind < 3").bind(hash).run();
}

std::vector<std::int64_t> issues_to_settle(Connection& reader, std::size_t most) {
  std::vector<std::int64_t> issues;
  Statement rows = reader.prepare(
      "SELECT DISTINCT coalesce((SELECT issue_id FROM issue_hash WHERE id = hash_id), 0) AS issue FROM erasure_rest "
      "WHERE kind = 3 ORDER BY issue LIMIT ?");
  rows.bind(most);
  while (rows.step()) issues.push_back(rows.integer(0));
  return issues;
}

void issue_is_settled(Connection& writer, std::int64_t issue) {
  if (issue == 0) {
    writer.execute(
        "DELETE FROM erasure_rest WHERE kind = 3 AND NOT EXISTS (SELECT 1 FROM issue_hash WHERE id = hash_id)");
    return;
  }
  writer
      .prepare("DELETE FROM erasure_rest WHERE kind = 3 AND hash_id IN (SELECT id FROM issue_hash WHERE issue_id = ?)")
      .bind(issue)
      .run();
}

}  // namespace trapline::collector::sql
