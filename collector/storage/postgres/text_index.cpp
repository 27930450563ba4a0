#include "collector/storage/postgres/text_index.h"

#include <charconv>
#include <map>
#include <unordered_set>

#include "collector/storage/postgres/connection.h"
#include "collector/storage/sql/where_clause.h"
#include "sdk/core/ascii.h"

namespace trapline::collector::postgres {
namespace {

constexpr std::string_view kWords = "event_word";
constexpr std::string_view kPhrases = "event_phrase";

// Newest first, as their numbers have as many digits for some centuries.
constexpr std::string_view kWeeks = R"(
  SELECT CAST(relname AS TEXT) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = CAST('event_phrase' AS regclass) ORDER BY relname DESC)";
// How a week's rows are found (?2: the words, ?3: the end or the beginning of a word).
constexpr std::string_view kWord = "event_word WHERE word = ?2";
constexpr std::string_view kBeginningOfWord = "event_word WHERE word >= ?2 AND word < ?3";
constexpr std::string_view kManyWords = "event_phrase WHERE words @@ phraseto_tsquery('simple', plain_letters(?2))";
// The last word as the beginning of one. It has no signs, so that it stands for itself.
constexpr std::string_view kWordsAndBeginning =
    "event_phrase WHERE words @@ (phraseto_tsquery('simple', plain_letters(?2)) <-> "
    "to_tsquery('simple', '''' || plain_letters(?3) || ''':*'))";
constexpr std::string_view kReadWords = R"(
  SELECT hash_id, mark,
         coalesce((SELECT string_agg(lexeme, ' ' ORDER BY place)
                   FROM unnest(words) AS word, unnest(word.positions) AS place), '')
  FROM event_phrase WHERE week = ? ORDER BY hash_id, mark)";
// Words that no other text of the group hash has, as it was when the texts that go were looked up.
constexpr std::string_view kWordsOfThese = R"(
  SELECT lexeme FROM event_phrase, unnest(words) WHERE week = ?1 AND hash_id = ?2
  GROUP BY lexeme HAVING bool_and(mark IN (SELECT value FROM json_each(?3))))";

// Those words, but for what a text has that has come since.
constexpr std::string_view kForgetWords = R"(
  DELETE FROM event_word WHERE week = ?1 AND hash_id = ?2 AND word = ANY (string_to_array(?3, ' '))
    AND word NOT IN (SELECT lexeme FROM event_phrase, unnest(words) WHERE week = ?1 AND hash_id = ?2
                     AND mark NOT IN (SELECT value FROM json_each(?4))))";

std::string name_of(std::string_view table, UnixMillis week) {
  return std::string(table) + '_' + std::to_string(week / kDayMs);
}

std::string joined(const std::vector<std::string>& words, std::size_t count) {
  std::string text;
  for (std::size_t index = 0; index < count; ++index) text += (index == 0 ? "" : " ") + words[index];
  return text;
}

/// Many rows in a statement, since each one costs more than its rows. Of each size there is one, so that all are
/// prepared soon. `before`, `after`: what stands around the rows.
template <class Bind>
void insert_rows(Connection& connection, const std::string& before, const std::string& row, const std::string& after,
                 std::span<const sql::NewText* const> texts, const Bind& bind) {
  constexpr std::size_t kMany = 32;
  constexpr std::size_t kSome = 4;
  std::size_t size = 0;
  for (std::size_t first = 0; first < texts.size(); first += size) {
    const std::size_t left = texts.size() - first;
    size = left >= kMany ? kMany : left >= kSome ? kSome : 1;
    std::string sql = before + row;
    for (std::size_t count = 1; count < size; ++count) sql.append(", ").append(row);
    sql.append(after).append(" ON CONFLICT DO NOTHING");
    std::vector<std::string> plain;  // outlives the statement, which borrows it
    plain.reserve(size);
    sql::Statement statement = connection.prepare(sql);
    for (const sql::NewText* text : texts.subspan(first, size)) bind(statement, *text, plain);
    statement.run();
  }
}

}  // namespace

/// Made alone and attached then: nobody who reads has to wait for the transaction's end.
void TextIndex::make_partition(const std::string& table, UnixMillis week) {
  const std::string name = name_of(table, week);
  {
    sql::Statement found = connection_.prepare("SELECT to_regclass(?) IS NOT NULL");
    found.bind(std::string_view(name));
    found.step();
    if (found.integer(0) != 0) return;
  }
  connection_.execute("CREATE TABLE " + name + " (LIKE " + table + " INCLUDING ALL); ALTER TABLE " + table +
                      " ATTACH PARTITION " + name + " FOR VALUES FROM (" + std::to_string(week) + ") TO (" +
                      std::to_string(week + sql::kWeekMs) + ")");
}

void TextIndex::make_week(UnixMillis week) {
  make_partition(std::string(kWords), week);
  make_partition(std::string(kPhrases), week);
  weeks_.insert(week);
}

void TextIndex::add(UnixMillis week, std::span<sql::NewText> texts) {
  if (!weeks_.contains(week)) make_week(week);
  std::vector<const sql::NewText*> all;
  std::vector<const sql::NewText*> with_words;
  for (const sql::NewText& text : texts) {
    all.push_back(&text);
    if (!text.new_words.empty()) with_words.push_back(&text);
  }
  insert_rows(connection_, "INSERT INTO event_phrase (week, hash_id, mark, words) VALUES ",
              "(?, ?, ?, to_tsvector('simple', plain_letters(?)))", "", all,
              [week](sql::Statement& statement, const sql::NewText& text, std::vector<std::string>& plain) {
                const std::string& words = plain.emplace_back(sql::without_signs(text.text));
                statement.bind(week, text.hash_id, text.mark, std::string_view(words));
              });
  insert_rows(connection_,
              "INSERT INTO event_word (week, word, hash_id) SELECT said.week, lexeme, said.hash_id FROM (VALUES ",
              "(CAST(? AS BIGINT), CAST(? AS BIGINT), ?)",
              ") AS said (week, hash_id, words), unnest(to_tsvector('simple', plain_letters(said.words)))", with_words,
              [week](sql::Statement& statement, const sql::NewText& text, std::vector<std::string>& plain) {
                const std::string& words = plain.emplace_back(sql::without_signs(text.new_words));
                statement.bind(week, text.hash_id, std::string_view(words));
              });
}

std::vector<UnixMillis> TextIndex::weeks() {
  std::vector<UnixMillis> weeks;
  sql::Statement rows = connection_.prepare(kWeeks);
  while (rows.step()) {
    const std::string_view digits = rows.text(0).substr(kPhrases.size() + 1);
    UnixMillis number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    weeks.push_back(number * kDayMs);
  }
  return weeks;
}

std::int64_t TextIndex::count(UnixMillis week) {
  sql::Statement rows = connection_.prepare("SELECT count(*) FROM event_phrase WHERE week = ?");
  rows.bind(week);
  rows.step();
  return rows.integer(0);
}

void TextIndex::read(UnixMillis week, const std::function<void(const sql::NewText& text)>& take) {
  sql::Statement rows = connection_.prepare(kReadWords);
  rows.bind(week);
  while (rows.step()) take({rows.integer(0), static_cast<std::uint32_t>(rows.integer(1)), rows.text(2), {}});
}

std::vector<std::int64_t> TextIndex::find(const sql::TextQuery& query, std::size_t most_rows) {
  if (query.words.empty()) return {};
  const bool is_one_word = query.is_one_word();
  const bool is_whole = query.is_last_whole;
  const std::string text =
      is_one_word ? core::to_lower(query.words.front()) : joined(query.words, query.words.size() - (is_whole ? 0 : 1));
  const std::string last = is_one_word ? text + std::string(sql::kHighest) : query.words.back();
  const std::string_view rows_of_week =
      is_one_word ? (is_whole ? kWord : kBeginningOfWord) : (is_whole ? kManyWords : kWordsAndBeginning);
  // Of all weeks at once, and each group hash once: what the server sends costs more than finding it.
  std::string sql;
  for (const UnixMillis week : weeks()) {
    sql += (sql.empty() ? "" : " UNION ALL ") + std::string("SELECT hash_id FROM ");
    sql.append(rows_of_week) += " AND week = " + std::to_string(week);
  }
  if (sql.empty()) return {};
  sql::Statement rows = connection_.prepare("SELECT DISTINCT hash_id FROM (" + sql + " LIMIT ?1) AS found");
  rows.bind(most_rows, std::string_view(text));
  if (!is_whole) rows.bind(std::string_view(last));
  std::vector<std::int64_t> found;
  while (rows.step()) found.push_back(rows.integer(0));
  return found;
}

std::vector<sql::TextRow> TextIndex::rows_of(UnixMillis week, std::span<const std::int64_t> hashes) {
  std::vector<sql::TextRow> found;
  if (hashes.empty()) return found;
  sql::Statement rows = connection_.prepare("SELECT hash_id, mark FROM event_phrase WHERE hash_id IN " +
                                            sql::hash_marks() + " AND week = ?");
  sql::bind_hashes(rows, hashes);
  rows.bind(week);
  while (rows.step()) found.push_back({rows.integer(0), static_cast<std::uint32_t>(rows.integer(1)), {}, {}});
  return found;
}

/// The words go with the first of the texts, which knows the marks of all: what is broken off behind it is found again
/// by the others.
void TextIndex::find_words(UnixMillis week, std::span<sql::TextRow> rows) {
  std::map<std::int64_t, std::vector<sql::TextRow*>> by_hash;
  for (sql::TextRow& row : rows) by_hash[row.hash_id].push_back(&row);
  for (const auto& [hash, gone] : by_hash) {
    std::vector<std::int64_t>& places = gone.front()->places;
    for (const sql::TextRow* row : gone) places.push_back(row->mark);
    const std::string marks = sql::json_list(places);
    sql::Statement words = connection_.prepare(kWordsOfThese);
    words.bind(week, hash, std::string_view(marks));
    std::string& text = gone.front()->words;
    while (words.step()) text.append(text.empty() ? "" : " ").append(words.text(0));
  }
}

void TextIndex::remove(UnixMillis week, const sql::TextRow& row) {
  connection_.prepare("DELETE FROM event_phrase WHERE week = ? AND hash_id = ? AND mark = ?")
      .bind(week, row.hash_id, row.mark)
      .run();
  if (row.words.empty()) return;
  const std::string marks = sql::json_list(row.places);
  connection_.prepare(kForgetWords).bind(week, row.hash_id, std::string_view(row.words), std::string_view(marks)).run();
}

void TextIndex::drop_before(UnixMillis day) {
  for (const UnixMillis week : weeks()) {
    if (week + sql::kWeekMs > day) continue;
    connection_.execute("DROP TABLE " + name_of(kWords, week) + "; DROP TABLE " + name_of(kPhrases, week));
    weeks_.erase(week);
  }
}

}  // namespace trapline::collector::postgres
