#include "collector/storage/sql/search_writer.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include <sodium.h>

#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/time_span.h"
#include "sdk/core/utf8.h"

namespace trapline::collector::sql {
namespace {

/// Caches: what they have forgotten is written once more than it needed to.
constexpr std::size_t kMostKnownTags = 30'000;
constexpr std::size_t kMostToldUsers = 30'000;
constexpr std::size_t kMostKnownTexts = 60'000;
constexpr std::size_t kMostTextSums = 30'000;
constexpr std::size_t kMostTagKeysKnown = 5'000;
/// A user's last_seen is written no more often than this.
constexpr UnixMillis kUserLag = kHourMs;

/// What is indexed of the texts of a group hash and day: a message that is another one in each event must not cost its
/// words each time. Breadcrumbs leave most of it to messages.
constexpr std::size_t kMostTextBytes = std::size_t{64} << 10;
constexpr std::size_t kMostTrailBytes = std::size_t{16} << 10;

constexpr std::string_view kInsertTag =
    "INSERT INTO tag (id, project_id, key, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
constexpr std::string_view kCountTag = R"(
  INSERT INTO hash_tag (hash_id, tag_id, count, last_seen) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (hash_id, tag_id) DO UPDATE SET
    count = hash_tag.count + excluded.count, last_seen = max(hash_tag.last_seen, excluded.last_seen))";
// Of a key that takes no further value: whether this one is among those that it has is asked where it costs no journey.
constexpr std::string_view kCountTagOrOther = R"(
  INSERT INTO hash_tag (hash_id, tag_id, count, last_seen)
  SELECT ?1, CASE WHEN EXISTS (SELECT 1 FROM tag WHERE id = ?2) THEN ?2 ELSE ?5 END, ?3, ?4 WHERE 1 = 1
  ON CONFLICT (hash_id, tag_id) DO UPDATE SET
    count = hash_tag.count + excluded.count, last_seen = max(hash_tag.last_seen, excluded.last_seen))";
constexpr std::string_view kInsertUser = R"(
  INSERT INTO event_user (project_id, kind, value, "user", last_seen) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (project_id, kind, value, "user") DO UPDATE SET last_seen = max(event_user.last_seen, excluded.last_seen))";

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

bool SeenHashes::add(std::uint64_t hash) {
  if (contains(hash)) return false;
  if (newer_.size() >= most_) {
    older_.swap(newer_);
    newer_.clear();
  }
  newer_.insert(hash);
  return true;
}

void SeenHashes::clear() {
  newer_.clear();
  older_.clear();
}

void drop_texts_before(Connection& connection, UnixMillis day) {
  Transaction transaction(connection);
  connection.text_index().drop_before(day);
  end_place_epoch(connection);  // writers remember which days there are
  transaction.commit();
}

SearchWriter::SearchWriter(Connection& connection)
    : connection_(connection), keys_(connection), known_tags_(kMostKnownTags), known_texts_(kMostKnownTexts) {}

void SearchWriter::forget() {
  keys_.forget();
  known_tags_.clear();
  told_users_.clear();
  known_texts_.clear();
  text_bytes_.clear();
  tags_.clear();
  users_.clear();
  texts_.clear();
  connection_.text_index().forget();
}

void SearchWriter::add(std::int64_t hash_id, const DigestedEvent& event) {
  for (const auto& [key, value] : event.tags) add_tag(hash_id, event, key, value);
  for (const auto& [key, value] : event.context_tags) add_tag(hash_id, event, key, value);
  add_tag(hash_id, event, "server_name", event.server_name);
  add_tag(hash_id, event, "transaction", event.transaction);
  add_users(event);
  add_texts(hash_id, event);
}

void SearchWriter::add_tag(std::int64_t hash_id, const DigestedEvent& event, std::string_view key,
                           std::string_view value) {
  key = kept_of_tag(key);
  value = kept_of_tag(value);
  if (key.empty() || value.empty()) return;
  TagUse& use = tags_[{hash_id, tag_id(event.project_id, key, value)}];
  if (use.count == 0) {
    use.project_id = event.project_id;
    use.key = key;
    use.value = value;
  }
  use.count += event.occurrences;
  use.last_seen = std::max(use.last_seen, event.timestamp);
}

void SearchWriter::add_users(const DigestedEvent& event) {
  const std::string& identity = event.user_identity.empty() ? event.user : event.user_identity;
  if (identity.empty()) return;
  const std::int64_t user = user_hash(identity);
  for (const auto& [kind, text] : event.user_fields) {
    const std::string_view value = kept_of_tag(text);
    if (value.empty() || is_placeholder(value)) continue;
    const std::uint64_t hash =
        Hash64().add(event.project_id).add(static_cast<std::int64_t>(kind)).add(value).add(user).value();
    const auto told = told_users_.find(hash);
    if (told != told_users_.end() && event.timestamp <= told->second + kUserLag) continue;
    UserUse& use = users_.try_emplace(hash, UserUse{event.project_id, kind, value, user, 0}).first->second;
    use.last_seen = std::max(use.last_seen, event.timestamp);
  }
}

void SearchWriter::add_texts(std::int64_t hash_id, const DigestedEvent& event) {
  const UnixMillis day = start_of(event.received_at, kDayMs);
  std::size_t* bytes = nullptr;
  const auto add = [&](const std::vector<std::string>& texts, std::size_t most_bytes) {
    for (const std::string& text : texts) {
      if (text.empty() || !known_texts_.add(Hash64().add(hash_id).add(day).add(text).value())) continue;
      if (bytes == nullptr) {
        if (text_bytes_.size() >= kMostTextSums) text_bytes_.clear();
        bytes = &text_bytes_[Hash64().add(hash_id).add(day).value()];
      }
      if (*bytes + text.size() > most_bytes) continue;
      *bytes += text.size();
      texts_[day].push_back({hash_id, text});
    }
  };
  add(event.texts, kMostTextBytes);
  add(event.trail_texts, kMostTrailBytes);
}

void SearchWriter::write() {
  // In the order of the table, so that neighbours are written to the same pages.
  std::vector<std::pair<std::int64_t, std::int64_t>> places;
  places.reserve(tags_.size());
  for (const auto& [place, use] : tags_) places.push_back(place);
  std::sort(places.begin(), places.end());
  for (const auto& place : places) write_tag(place.first, place.second, tags_[place]);
  tags_.clear();
  for (const auto& [hash, use] : users_) {
    connection_.prepare(kInsertUser)
        .bind(use.project_id, static_cast<std::int64_t>(use.kind), use.value, use.user, use.last_seen)
        .run();
    if (told_users_.size() >= kMostToldUsers) told_users_.clear();
    told_users_[hash] = use.last_seen;
  }
  users_.clear();
  for (const auto& [day, texts] : texts_) {
    for (const NewText& one : texts) connection_.text_index().add(day, one.hash_id, one.text);
  }
  texts_.clear();
}

void SearchWriter::write_tag(std::int64_t hash_id, std::int64_t tag, const TagUse& use) {
  TagKeys::Entry& key = keys_.entry(use.project_id, use.key);
  if (key.is_left_out) return;
  const auto hash = static_cast<std::uint64_t>(tag);
  if (!known_tags_.contains(hash)) {
    if (!keys_.has_room(use.project_id, use.key, key)) {
      const std::int64_t other = tag_id(use.project_id, use.key, kOtherValues);
      if (known_tags_.add(static_cast<std::uint64_t>(other))) {
        connection_.prepare(kInsertTag).bind(other, use.project_id, use.key, kOtherValues).run();
      }
      connection_.prepare(kCountTagOrOther).bind(hash_id, tag, use.count, use.last_seen, other).run();
      return;
    }
    connection_.prepare(kInsertTag).bind(tag, use.project_id, use.key, use.value).run();
    ++key.values;
    known_tags_.add(hash);
  }
  connection_.prepare(kCountTag).bind(hash_id, tag, use.count, use.last_seen).run();
}

}  // namespace trapline::collector::sql
