#include "collector/storage/postgres/text_index.h"

#include <charconv>
#include <unordered_set>

#include "collector/storage/postgres/connection.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::postgres {
namespace {

constexpr std::string_view kPrefix = "event_text_";

// Newest first, as their numbers have as many digits for some centuries.
constexpr std::string_view kDays = R"(
  SELECT CAST(relname AS TEXT) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = CAST('event_text' AS regclass) ORDER BY relname DESC)";
constexpr std::string_view kFindWords =
    "SELECT hash_id FROM event_text WHERE day = ?1 AND words @@ phraseto_tsquery('simple', plain_letters(?3)) LIMIT ?2";
constexpr std::string_view kReadWords = R"(
  SELECT hash_id, coalesce((SELECT string_agg(lexeme, ' ' ORDER BY place)
                            FROM unnest(words) AS word, unnest(word.positions) AS place), '')
  FROM event_text WHERE day = ?)";
// The last word as the beginning of one. It has no signs, so that it stands for itself.
constexpr std::string_view kFindBeginning =
    "SELECT hash_id FROM event_text WHERE day = ?1 AND words @@ (phraseto_tsquery('simple', plain_letters(?3)) <-> "
    "to_tsquery('simple', '''' || plain_letters(?4) || ''':*')) LIMIT ?2";

std::string name_of(core::UnixMillis day) { return std::string(kPrefix) + std::to_string(day / kDayMs); }

std::string joined(const std::vector<std::string>& words, std::size_t count) {
  std::string text;
  for (std::size_t index = 0; index < count; ++index) text += (index == 0 ? "" : " ") + words[index];
  return text;
}

}  // namespace

/// Made alone and attached then: nobody who reads has to wait for the transaction's end.
void TextIndex::make_day(core::UnixMillis day) {
  const std::string name = name_of(day);
  bool is_there = false;
  {
    sql::Statement found = connection_.prepare("SELECT to_regclass(?) IS NOT NULL");
    found.bind(std::string_view(name));
    found.step();
    is_there = found.integer(0) != 0;
  }
  if (!is_there) {
    connection_.execute("CREATE TABLE " + name +
                        " (LIKE event_text INCLUDING ALL); ALTER TABLE event_text ATTACH PARTITION " + name +
                        " FOR VALUES FROM (" + std::to_string(day) + ") TO (" + std::to_string(day + kDayMs) + ")");
  }
  days_.insert(day);
}

void TextIndex::add(core::UnixMillis day, std::int64_t hash_id, std::string_view text) {
  if (!days_.contains(day)) make_day(day);
  const std::string plain = sql::without_signs(text);
  connection_
      .prepare("INSERT INTO event_text (day, hash_id, words) VALUES (?1, ?2, to_tsvector('simple', plain_letters(?3)))")
      .bind(day, hash_id, std::string_view(plain))
      .run();
}

std::vector<core::UnixMillis> TextIndex::days() {
  std::vector<core::UnixMillis> days;
  sql::Statement rows = connection_.prepare(kDays);
  while (rows.step()) {
    const std::string_view digits = rows.text(0).substr(kPrefix.size());
    core::UnixMillis number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    days.push_back(number * kDayMs);
  }
  return days;
}

std::int64_t TextIndex::count(core::UnixMillis day) {
  sql::Statement rows = connection_.prepare("SELECT count(*) FROM event_text WHERE day = ?");
  rows.bind(day);
  rows.step();
  return rows.integer(0);
}

void TextIndex::read(core::UnixMillis day,
                     const std::function<void(std::int64_t hash_id, std::string_view words)>& take) {
  sql::Statement rows = connection_.prepare(kReadWords);
  rows.bind(day);
  while (rows.step()) take(rows.integer(0), rows.text(1));
}

std::vector<std::int64_t> TextIndex::find(const sql::TextQuery& query, std::size_t most_rows) {
  if (query.words.empty()) return {};
  const std::size_t whole = query.words.size() - (query.is_last_whole ? 0 : 1);
  const std::string text = joined(query.words, whole);
  std::unordered_set<std::int64_t> found;
  for (const core::UnixMillis day : days()) {
    sql::Statement rows = connection_.prepare(query.is_last_whole ? kFindWords : kFindBeginning);
    rows.bind(day, most_rows, std::string_view(text));
    if (!query.is_last_whole) rows.bind(std::string_view(query.words.back()));
    for (; most_rows > 0 && rows.step(); --most_rows) found.insert(rows.integer(0));
    if (most_rows == 0) break;
  }
  return {found.begin(), found.end()};
}

std::vector<sql::TextRow> TextIndex::rows_of(core::UnixMillis day, std::span<const std::int64_t> hashes) {
  std::vector<sql::TextRow> found;
  if (hashes.empty()) return found;
  sql::Statement rows = connection_.prepare("SELECT hash_id, CAST(ctid AS TEXT) FROM event_text WHERE hash_id IN " +
                                            sql::hash_marks() + " AND day = ?");
  sql::bind_hashes(rows, hashes);
  rows.bind(day);
  while (rows.step()) found.push_back({rows.integer(0), std::string(rows.text(1)), {}});
  return found;
}

void TextIndex::find_words(core::UnixMillis /*day*/, std::span<sql::TextRow> /*rows*/) {}

/// Rows are never changed, so that one stays where it is. Where it was there may be another one since, but not of an
/// older text of this hash.
void TextIndex::remove(core::UnixMillis day, const sql::TextRow& row) {
  connection_.prepare("DELETE FROM event_text WHERE day = ?1 AND hash_id = ?2 AND ctid = CAST(?3 AS tid)")
      .bind(day, row.hash_id, std::string_view(row.place))
      .run();
}

/// The server's own work (autovacuum).
bool TextIndex::compact(core::UnixMillis /*day*/, bool /*is_first*/) { return false; }

void TextIndex::drop_before(core::UnixMillis day) {
  for (const core::UnixMillis old : days()) {
    if (old < day) connection_.execute("DROP TABLE " + name_of(old));
    if (old < day) days_.erase(old);
  }
}

}  // namespace trapline::collector::postgres
