#include "collector/storage/sql/user_settler.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/erasure_rest.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/issue_removal.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/search_writer.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

constexpr int kRemainingLookedAt = 200;
constexpr std::size_t kIssuesSettledAtOnce = 100;
/// What an issue is called whose events were all erased, though it has counted others that are not kept.
constexpr std::string_view kErasedTitle = "(erased at a user's wish)";

/// Unless the group hash has another tag of that key.
constexpr std::string_view kForgetTagKey = R"(
  DELETE FROM hash_tag_key WHERE hash_id = ?1 AND key = (SELECT key FROM tag WHERE id = ?2)
    AND NOT EXISTS (SELECT 1 FROM hash_tag JOIN tag ON tag.id = tag_id
                    WHERE hash_tag.hash_id = ?1 AND tag.key = hash_tag_key.key))";

std::int64_t number_by(Connection& connection, std::string_view sql, std::int64_t id) {
  Statement row = connection.prepare(sql);
  row.bind(id);
  return row.step() ? row.integer(0) : 0;
}

void forget_title(Connection& writer, IssueId issue) {
  writer.prepare("UPDATE issue SET title = ?, type = '', value = '', culprit = '' WHERE id = ?")
      .bind(kErasedTitle, issue)
      .run();
}

/// What no remaining event says is found no more. Unless an event has come meanwhile: then the count has grown.
void forget_tag(Connection& writer, std::int64_t hash, std::int64_t tag, std::int64_t count) {
  writer.prepare("DELETE FROM hash_tag WHERE hash_id = ? AND tag_id = ? AND count = ?").bind(hash, tag, count).run();
  writer.prepare(kForgetTagKey).bind(hash, tag).run();
  writer.prepare("DELETE FROM tag WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tagged_hash WHERE tag_id = ?1)")
      .bind(tag)
      .run();
}

void plan_text(UnixMillis week, std::int64_t hash, std::uint32_t mark, const std::string& text,
               std::deque<ErasureAct>& acts) {
  acts.emplace_back([=](Connection& writer) {
    NewText added{hash, mark, text, text};
    writer.text_index().add(week, {&added, 1});
  });
}

void forget_user(Connection& writer, std::int64_t hash, std::int64_t user) {
  writer.prepare("DELETE FROM hash_user WHERE hash_id = ? AND \"user\" = ?").bind(hash, user).run();
  if (writer.changes() == 0) return;
  writer
      .prepare(R"(
    UPDATE issue SET user_count = user_count - 1 WHERE id = (SELECT issue_id FROM issue_hash WHERE id = ?1)
    AND NOT EXISTS (SELECT 1 FROM issue_hash JOIN hash_user ON hash_id = issue_hash.id AND "user" = ?2
                    WHERE issue_id = issue.id))")
      .bind(hash, user)
      .run();
}

}  // namespace

bool UserSettler::look(Connection& reader, const ProjectUsers& users, std::deque<ErasureAct>& acts) {
  if (groups_.empty() && !begin_groups(reader)) return plan_issues(reader, acts) || plan_compacting(reader, acts);
  if (read_events(reader, users)) return true;
  if (!rows_.empty()) {
    plan_texts(reader, acts);
    return true;
  }
  if (has_removed_texts_ && !std::exchange(is_second_look_, true)) {
    group_ = 0;
    return true;
  }
  plan_said_again(acts);
  plan_groups(acts);
  groups_.clear();
  return true;
}

/// Rows of the index are looked up before events are read: of a text that comes in between there is another row, or its
/// event is read.
bool UserSettler::begin_groups(Connection& reader) {
  const auto hashes = hashes_to_settle(reader, kMostHashesAtOnce);
  const std::int64_t left = count_hashes_to_settle(reader);
  most_to_settle_ = std::max(most_to_settle_, left);
  percent_ = most_to_settle_ == 0 ? 100 : static_cast<int>(100 - left * 100 / most_to_settle_);
  if (hashes.empty()) return false;
  for (const std::int64_t hash : hashes) begin_group(reader, hash);
  texts_.clear();
  for (const UnixMillis week : reader.text_index().weeks()) {
    auto rows = reader.text_index().rows_of(week, hashes);
    for (const TextRow& row : rows) texts_[{week, row.hash_id}].indexed.emplace(row.mark, false);
    if (!rows.empty()) rows_[week] = std::move(rows);
  }
  is_second_look_ = false;
  has_removed_texts_ = false;
  group_ = 0;
  row_ = 0;
  return true;
}

void UserSettler::begin_group(Connection& reader, std::int64_t hash) {
  Group& group = groups_.emplace_back();
  group.hash_id = hash;
  group.last_seen = number_by(reader, "SELECT last_seen FROM issue_hash WHERE id = ?", hash);
  group.erased = number_by(reader, "SELECT count FROM erasure_rest WHERE hash_id = ? AND kind = 0", hash);
  for (const std::int64_t user : subjects_of(reader, hash, RestKind::kUser)) group.users.insert(user);
  for (const std::int64_t tag : subjects_of(reader, hash, RestKind::kTag)) {
    Statement count = reader.prepare("SELECT count FROM hash_tag WHERE hash_id = ? AND tag_id = ?");
    count.bind(hash, tag);
    group.tags[tag] = count.step() ? count.integer(0) : 0;
  }
}

/// Some of the events that remain. False: all were read.
bool UserSettler::read_events(Connection& reader, const ProjectUsers& users) {
  if (group_ == groups_.size()) return false;
  Group& group = groups_[group_];
  Statement rows = reader.prepare(
      "SELECT id, project_id, event_id, 0, data, summary FROM event WHERE hash_id = ? AND id > ? ORDER BY id LIMIT ?");
  rows.bind(group.hash_id, row_, kRemainingLookedAt);
  int count = 0;
  for (; rows.step(); ++count) {
    row_ = rows.integer(0);
    group.has_events = true;
    try {
      DigestedEvent event = read_event(reader, parts_.dictionaries, rows, true).event;
      if (is_second_look_) {
        parts_.reader.read_facts(event);
        add_said_again(group.hash_id, event);
      } else {
        take(group, event, users);
      }
    } catch (const DatabaseError&) {
      throw;
    } catch (const std::exception&) {
      continue;  // its bytes are damaged: it says nothing
    }
  }
  if (count == kRemainingLookedAt) return true;
  row_ = 0;
  return ++group_ < groups_.size();
}

void UserSettler::take(Group& group, DigestedEvent& event, const ProjectUsers& users) {
  group.title = event.title;
  parts_.reader.read_facts(event);
  const auto says = [&](std::string_view key, std::string_view value) {
    group.tags.erase(tag_id(event.project_id, kept_of_tag(key), kept_of_tag(value)));
  };
  for (const auto& [key, value] : event.tags) says(key, value);
  for (const auto& [key, value] : event.context_tags) says(key, value);
  says("server_name", event.server_name);
  says("transaction", event.transaction);
  add_texts(group.hash_id, event);
  if (event.user.empty()) return;
  const std::int64_t user = user_hash(event.user);
  group.users.erase(user);
  if (!users.contains({event.project_id, user})) return;
  for (const auto& [field, value] : event.user_fields) {
    told_.emplace(event.project_id, field, std::string(kept_of_tag(value)), user);
  }
}

/// Unless the index has nothing of the hash and week.
void UserSettler::add_texts(std::int64_t hash, const DigestedEvent& event) {
  const auto found = texts_.find({start_of(event.received_at, kWeekMs), hash});
  if (found == texts_.end()) return;
  WeekTexts& texts = found->second;
  const auto add = [&](const std::vector<std::string>& of_event, std::size_t most) {
    for (const std::string& text : of_event) {
      const std::uint32_t mark = text_mark(text);
      if (const auto indexed = texts.indexed.find(mark); indexed != texts.indexed.end()) {
        indexed->second = true;
      } else if (!text.empty() && texts.missing_bytes + text.size() <= most &&
                 texts.missing.try_emplace(mark, text).second) {
        texts.missing_bytes += text.size();
      }
    }
  };
  constexpr std::size_t kDaysOfWeek = kWeekMs / kDayMs;
  add(event.texts, kDaysOfWeek * kMostTextBytes);
  add(event.trail_texts, kDaysOfWeek * kMostTrailBytes);
}

void UserSettler::add_said_again(std::int64_t hash, const DigestedEvent& event) {
  const auto found = texts_.find({start_of(event.received_at, kWeekMs), hash});
  if (found == texts_.end()) return;
  for (const auto* of_event : {&event.texts, &event.trail_texts}) {
    for (const std::string& text : *of_event) {
      const std::uint32_t mark = text_mark(text);
      const auto indexed = found->second.indexed.find(mark);
      if (indexed != found->second.indexed.end() && !indexed->second) found->second.said_again.emplace(mark, text);
    }
  }
}

/// It may have been removed after the event had come.
void UserSettler::plan_said_again(std::deque<ErasureAct>& acts) {
  for (const auto& [place, texts] : texts_) {
    for (const auto& [mark, text] : texts.said_again) plan_text(place.first, place.second, mark, text, acts);
  }
}

/// A week's: what no remaining event says goes; before that comes what they say and is not there.
void UserSettler::plan_texts(Connection& reader, std::deque<ErasureAct>& acts) {
  const auto first = rows_.begin();
  const UnixMillis week = first->first;
  std::vector<TextRow> rows = std::move(first->second);
  rows_.erase(first);
  const auto weeks = reader.text_index().weeks();
  if (std::find(weeks.begin(), weeks.end(), week) == weeks.end()) return;  // it has gone as a whole
  std::erase_if(rows, [&](const TextRow& row) { return texts_[{week, row.hash_id}].indexed[row.mark]; });
  if (rows.empty()) return;
  reader.text_index().find_words(week, rows);
  std::unordered_set<std::int64_t> changed;
  for (const TextRow& row : rows) changed.insert(row.hash_id);
  for (const std::int64_t hash : changed) {
    for (const auto& [mark, text] : texts_[{week, hash}].missing) {
      plan_text(week, hash, mark, text, acts);
    }
  }
  for (TextRow& row : rows) {
    acts.emplace_back([week, row = std::move(row)](Connection& writer) { writer.text_index().remove(week, row); });
  }
  changed_weeks_.insert(week);
  has_removed_texts_ = true;
}

void UserSettler::plan_groups(std::deque<ErasureAct>& acts) {
  for (const Group& group : groups_) {
    for (const auto& [tag, count] : group.tags) {
      acts.emplace_back([hash = group.hash_id, tag = tag, count = count](Connection& writer) {
        forget_tag(writer, hash, tag, count);
      });
    }
    for (const std::int64_t user : group.users) {
      acts.emplace_back([hash = group.hash_id, user](Connection& writer) { forget_user(writer, hash, user); });
    }
    acts.emplace_back([group](Connection& writer) { settle_group(writer, group); });
  }
}

void UserSettler::settle_group(Connection& writer, const Group& group) {
  const bool is_nobodys = number_by(writer, "SELECT 1 FROM hash_user WHERE hash_id = ? LIMIT 1", group.hash_id) == 0;
  if (group.erased > 0 || (!group.has_events && is_nobodys)) {
    const std::string_view title = group.title.empty() ? kErasedTitle : std::string_view(group.title);
    // An event that has come meanwhile tells its own.
    writer.prepare("UPDATE issue_hash SET title = ? WHERE id = ? AND last_seen = ?")
        .bind(title, group.hash_id, group.last_seen)
        .run();
  }
  hash_is_settled(writer, group.hash_id);
}

bool UserSettler::plan_issues(Connection& reader, std::deque<ErasureAct>& acts) {
  const auto issues = issues_to_settle(reader, kIssuesSettledAtOnce);
  for (const std::int64_t issue : issues) {
    acts.emplace_back([this, issue](Connection& writer) { settle_issue(writer, issue); });
  }
  return !issues.empty();
}

void UserSettler::settle_issue(Connection& writer, IssueId issue) {
  ProjectId project = 0;
  std::int64_t count = 0;
  std::int64_t stored = 0;
  std::int64_t users = 0;
  {
    Statement row = writer.prepare("SELECT project_id, count, stored_count, user_count FROM issue WHERE id = ?");
    row.bind(issue);
    if (row.step()) {
      project = row.integer(0);
      count = row.integer(1);
      stored = row.integer(2);
      users = row.integer(3);
    }
  }
  const std::int64_t erased = number_by(writer,
                                        "SELECT coalesce(sum(count), 0) FROM erasure_rest WHERE kind = 3 AND "
                                        "hash_id IN (SELECT id FROM issue_hash WHERE issue_id = ?)",
                                        issue);
  issue_is_settled(writer, issue);
  if (project == 0) return;
  if (stored > 0) {
    if (erased > 0) retitle(writer, parts_.dictionaries, issue);
  } else if (erased > 0 && count <= erased) {
    remove_issue(writer, issue);
    ++deleted_issues_[project];
  } else if (erased > 0 || users == 0) {
    forget_title(writer, issue);
  }
}

bool UserSettler::plan_compacting(Connection& reader, std::deque<ErasureAct>& acts) {
  const auto weeks = reader.text_index().weeks();
  while (!changed_weeks_.empty()) {
    const UnixMillis week = *changed_weeks_.begin();
    if (std::find(weeks.begin(), weeks.end(), week) == weeks.end()) {
      changed_weeks_.erase(week);
      continue;
    }
    acts.emplace_back([this, week](Connection& writer) {
      const bool is_first = compacting_.insert(week).second;
      if (!writer.text_index().compact(week, is_first)) changed_weeks_.erase(week);
    });
    return true;
  }
  return false;
}

}  // namespace trapline::collector::sql
