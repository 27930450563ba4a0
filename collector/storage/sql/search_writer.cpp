#include "collector/storage/sql/search_writer.h"

#include <algorithm>
#include <tuple>

#include <sodium.h>

#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/time_span.h"
#include "sdk/core/utf8.h"

namespace trapline::collector::sql {
namespace {

/// Caches: what they have forgotten is written once more than it needed to.
constexpr std::size_t kMostKnownTags = std::size_t{1} << 15;
constexpr std::size_t kMostToldUsers = 30'000;
constexpr std::size_t kMostKnownTexts = std::size_t{1} << 17;
constexpr std::size_t kMostKnownWords = std::size_t{1} << 17;
constexpr std::size_t kMostTextSums = 30'000;
constexpr std::size_t kMostTagKeysKnown = 5'000;

/// So much of a hash and day is indexed at once; more, as a batch has room for it: so much and so much for each event.
/// FTS5 takes about 150 ns for a byte.
constexpr std::size_t kFirstTextBytes = std::size_t{2} << 10;
constexpr std::size_t kTextBytesABatch = std::size_t{8} << 10;
constexpr std::size_t kTextBytesAnEvent = 32;

constexpr std::string_view kInsertTag =
    "INSERT INTO tag (id, project_id, key, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
// For so many rows.
std::string count_tags_sql(std::size_t rows) {
  std::string sql = "INSERT INTO hash_tag (hash_id, tag_id, count, last_seen) VALUES ";
  for (std::size_t row = 0; row < rows; ++row) sql += row == 0 ? "(?, ?, ?, ?)" : ", (?, ?, ?, ?)";
  return sql +
         " ON CONFLICT (hash_id, tag_id) DO UPDATE SET count = hash_tag.count + excluded.count, "
         "last_seen = max(hash_tag.last_seen, excluded.last_seen)";
}
// Where there is such a row already, which is mostly so, this costs half.
constexpr std::string_view kAddToTag =
    "UPDATE hash_tag SET count = count + ?3, last_seen = max(last_seen, ?4) WHERE hash_id = ?1 AND tag_id = ?2";
// Of a key that takes no further value: whether this one is among those that it has is asked where it costs no journey.
constexpr std::string_view kCountTagOrOther = R"(
  INSERT INTO hash_tag (hash_id, tag_id, count, last_seen)
  SELECT ?1, CASE WHEN EXISTS (SELECT 1 FROM tag WHERE id = ?2) THEN ?2 ELSE ?5 END, ?3, ?4 WHERE 1 = 1
  ON CONFLICT (hash_id, tag_id) DO UPDATE SET
    count = hash_tag.count + excluded.count, last_seen = max(hash_tag.last_seen, excluded.last_seen))";
constexpr std::string_view kInsertUserName = R"(
  INSERT INTO event_user (project_id, kind, value, "user", last_seen) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (project_id, kind, value, "user") DO UPDATE SET last_seen = excluded.last_seen
  WHERE event_user.last_seen < excluded.last_seen)";

/// 64 bits of a hash of numbers and texts, each told from its neighbours.
class Hash64 {
 public:
  Hash64() { bytes().clear(); }
  Hash64& add(std::int64_t number) {
    bytes().append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  Hash64& add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    bytes().append(text);
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return static_cast<std::uint64_t>(user_hash(bytes())); }

 private:
  static std::string& bytes() {
    thread_local std::string bytes;
    return bytes;
  }
};

/// "[email]": what the scrubber has put in the place of a value is nobody's.
bool is_placeholder(std::string_view value) { return value.starts_with('[') && value.ends_with(']'); }

}  // namespace

std::string_view kept_of_tag(std::string_view text) {
  return core::truncate_utf8(text.substr(0, text.find('\0')), kLongestTag);
}

std::int64_t tag_id(ProjectId project, std::string_view key, std::string_view value) {
  return static_cast<std::int64_t>(Hash64().add(project).add(key).add(value).value());
}

TagKeys::Entry& TagKeys::entry(ProjectId project, std::string_view key) {
  std::pair<ProjectId, std::string> name(project, key);
  const auto found = entries_.find(name);
  if (found != entries_.end()) return found->second;
  if (entries_.size() >= kMostTagKeysKnown) entries_.clear();
  Entry entry;
  const auto has_rows = [&](std::string_view sql, auto... values) {
    Statement statement = connection_.prepare(sql);
    statement.bind(values...);
    return statement.step();
  };
  if (has_rows("SELECT 1 FROM tag_key WHERE project_id = ? AND key = ?", project, key)) {
    entry.values = count_values(project, key);
  } else if (has_rows("SELECT 1 FROM tag_key WHERE project_id = ? ORDER BY key LIMIT 1 OFFSET ?", project,
                      kMostTagKeys - 1)) {
    entry.is_left_out = true;
  } else {
    connection_.prepare("INSERT INTO tag_key (project_id, key) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(project, key)
        .run();
  }
  return entries_.emplace(std::move(name), entry).first->second;
}

std::int64_t TagKeys::count_values(ProjectId project, std::string_view key) {
  Statement count = connection_.prepare("SELECT count(*) FROM tag WHERE project_id = ? AND key = ?");
  count.bind(project, key);
  count.step();
  return count.integer(0);
}

bool TagKeys::has_room(ProjectId project, std::string_view key, Entry& entry) {
  if (entry.is_full) return false;
  if (entry.values < kMostTagValues) return true;
  entry.values = count_values(project, key);
  entry.is_full = entry.values >= kMostTagValues;
  return !entry.is_full;
}

void drop_texts_before(Connection& connection, UnixMillis day) {
  Transaction transaction(connection);
  connection.text_index().drop_before(day);
  end_place_epoch(connection);  // writers remember which weeks there are
  transaction.commit();
}

SearchWriter::SearchWriter(Connection& connection)
    : connection_(connection),
      keys_(connection),
      known_tags_(kMostKnownTags),
      known_texts_(kMostKnownTexts),
      known_words_(kMostKnownWords),
      batch_bytes_(kTextBytesABatch) {}

void SearchWriter::forget() {
  keys_.forget();
  known_tags_.clear();
  told_users_.clear();
  known_texts_.clear();
  known_words_.clear();
  text_bytes_.clear();
  tags_.clear();
  tag_counts_.clear();
  users_.clear();
  texts_.clear();
  batch_bytes_ = kTextBytesABatch;
  connection_.text_index().forget();
}

void SearchWriter::add(std::int64_t hash_id, const DigestedEvent& event, UnixMillis seen_at) {
  for (const auto& [key, value] : event.tags) add_tag(hash_id, event, key, value);
  for (const auto& [key, value] : event.context_tags) add_tag(hash_id, event, key, value);
  add_tag(hash_id, event, "server_name", event.server_name);
  add_tag(hash_id, event, "transaction", event.transaction);
  add_users(event, seen_at);
  add_texts(hash_id, event);
}

void SearchWriter::add_tag(std::int64_t hash_id, const DigestedEvent& event, std::string_view key,
                           std::string_view value) {
  key = kept_of_tag(key);
  value = kept_of_tag(value);
  if (key.empty() || value.empty()) return;
  TagUse& use = tags_[{hash_id, event.project_id, key, value}];
  use.count += event.occurrences;
  use.last_seen = std::max(use.last_seen, event.timestamp);
}

void SearchWriter::add_users(const DigestedEvent& event, UnixMillis seen_at) {
  const std::string& identity = event.user_identity.empty() ? event.user : event.user_identity;
  if (identity.empty()) return;
  const std::int64_t user = user_hash(identity);
  // More than the day would cost a write for each time that somebody is seen.
  const UnixMillis day = start_of(seen_at, kDayMs);
  for (const auto& [kind, text] : event.user_fields) {
    const std::string_view value = kept_of_tag(text);
    if (value.empty() || is_placeholder(value)) continue;
    const std::uint64_t hash =
        Hash64().add(event.project_id).add(static_cast<std::int64_t>(kind)).add(value).add(user).value();
    const auto told = told_users_.find(hash);
    if (told != told_users_.end() && day <= told->second) continue;
    UserUse& use = users_.try_emplace(hash, UserUse{event.project_id, kind, value, user, 0}).first->second;
    use.last_seen = std::max(use.last_seen, day);
  }
}

void SearchWriter::add_texts(std::int64_t hash_id, const DigestedEvent& event) {
  batch_bytes_ += kTextBytesAnEvent;
  if (event.texts.empty() && event.trail_texts.empty()) return;
  const UnixMillis day = start_of(event.received_at, kDayMs);
  const UnixMillis week = start_of(event.received_at, kWeekMs);
  if (text_bytes_.size() >= kMostTextSums) text_bytes_.clear();
  std::size_t& bytes = text_bytes_[Hash64().add(hash_id).add(day).value()];
  for (const std::string& text : event.texts) {
    if (bytes + text.size() <= kMostTextBytes) add_text(hash_id, week, text, bytes);
  }
  for (const std::string& text : event.trail_texts) {
    if (bytes + text.size() <= kMostTrailBytes) add_text(hash_id, week, text, bytes);
  }
}

/// `bytes`: of the hash and day so far. What has no room in the batch is not remembered: perhaps a later event says it.
void SearchWriter::add_text(std::int64_t hash_id, UnixMillis week, std::string_view text, std::size_t& bytes) {
  const bool is_first = bytes < kFirstTextBytes;
  if (text.empty() || (!is_first && text.size() > batch_bytes_)) return;
  const std::uint64_t hash = Hash64().add(hash_id).add(week).add(text).value();
  if (known_texts_.contains(hash)) return;
  known_texts_.add(hash);
  if (!is_first) batch_bytes_ -= text.size();
  bytes += text.size();
  texts_[week].push_back({hash_id, text_mark(text), text, new_words_of(hash_id, week, text)});
}

/// As far as is remembered.
std::string SearchWriter::new_words_of(std::int64_t hash_id, UnixMillis week, std::string_view text) {
  std::string words;
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
    const std::uint64_t hash = Hash64().add(hash_id).add(week).add(word).value();
    if (known_words_.contains(hash)) continue;
    known_words_.add(hash);
    words.append(words.empty() ? "" : " ").append(word);
  }
  return words;
}

void SearchWriter::write() {
  write_tags();
  for (const auto& [hash, use] : users_) {
    connection_.prepare(kInsertUserName)
        .bind(use.project_id, static_cast<std::int64_t>(use.kind), use.value, use.user, use.last_seen)
        .run();
    if (told_users_.size() >= kMostToldUsers) told_users_.clear();
    told_users_[hash] = use.last_seen;
  }
  users_.clear();
  for (auto& [week, texts] : texts_) connection_.text_index().add(week, texts);
  texts_.clear();
  batch_bytes_ = kTextBytesABatch;
}

/// In the order of the table, so that neighbours are written to the same pages.
void SearchWriter::write_tags() {
  struct Row {
    std::int64_t hash_id;
    std::int64_t tag;
    const TagPlace* place;
    const TagUse* use;
  };
  std::vector<Row> rows;
  rows.reserve(tags_.size());
  for (const auto& [place, use] : tags_) {
    rows.push_back({place.hash_id, tag_id(place.project_id, place.key, place.value), &place, &use});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& one, const Row& other) {
    return std::tie(one.hash_id, one.tag) < std::tie(other.hash_id, other.tag);
  });
  for (const Row& row : rows) write_tag(*row.place, row.tag, *row.use);
  count_tags();
  tags_.clear();
}

void SearchWriter::write_tag(const TagPlace& place, std::int64_t tag, const TagUse& use) {
  const auto hash = static_cast<std::uint64_t>(tag);
  if (!known_tags_.contains(hash)) {
    TagKeys::Entry& key = keys_.entry(place.project_id, place.key);
    if (key.is_left_out) return;
    if (!keys_.has_room(place.project_id, place.key, key)) {
      write_tag_of_full_key(place, tag, use);
      return;
    }
    connection_.prepare(kInsertTag).bind(tag, place.project_id, place.key, place.value).run();
    ++key.values;
    known_tags_.add(hash);
  }
  count_tag({place.hash_id, tag, use.count, use.last_seen});
}

void SearchWriter::count_tag(const TagCount& count) {
  if (!connection_.is_remote()) {
    connection_.prepare(kAddToTag).bind(count.hash_id, count.tag, count.count, count.last_seen).run();
    if (connection_.changes() > 0) return;
  }
  tag_counts_.push_back(count);
}

/// Many rows in a statement: to a server each one costs more than its rows. Of each size there is one, so that all are
/// prepared soon. SQLite notes down each page that a statement of several rows changes, and in a file soon.
void SearchWriter::count_tags() {
  constexpr std::size_t kMany = 64;
  constexpr std::size_t kSome = 8;
  std::size_t size = 0;
  for (std::size_t first = 0; first < tag_counts_.size(); first += size) {
    const std::size_t left = connection_.is_remote() ? tag_counts_.size() - first : 1;
    size = left >= kMany ? kMany : left >= kSome ? kSome : 1;
    Statement statement = connection_.prepare(count_tags_sql(size));
    for (std::size_t row = first; row < first + size; ++row) {
      const TagCount& count = tag_counts_[row];
      statement.bind(count.hash_id, count.tag, count.count, count.last_seen);
    }
    statement.run();
  }
  tag_counts_.clear();
}

void SearchWriter::write_tag_of_full_key(const TagPlace& place, std::int64_t tag, const TagUse& use) {
  const std::int64_t other = tag_id(place.project_id, place.key, kOtherValues);
  if (!known_tags_.contains(static_cast<std::uint64_t>(other))) {
    known_tags_.add(static_cast<std::uint64_t>(other));
    connection_.prepare(kInsertTag).bind(other, place.project_id, place.key, kOtherValues).run();
  }
  connection_.prepare(kCountTagOrOther).bind(place.hash_id, tag, use.count, use.last_seen, other).run();
}

}  // namespace trapline::collector::sql
