#include "collector/storage/sqlite/text_index.h"

#include <charconv>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "collector/storage/sqlite/connection.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sqlite {
namespace {

constexpr std::size_t kMostDaysOpen = 4;

std::string index_of(core::UnixMillis day) { return "text_index_" + std::to_string(day / kDayMs); }
std::string leads_of(core::UnixMillis day) { return "text_row_" + std::to_string(day / kDayMs); }

std::int64_t number_of_row(const sql::TextRow& row) {
  std::int64_t number = 0;
  std::from_chars(row.place.data(), row.place.data() + row.place.size(), number);
  return number;
}

/// What is read within it is of one moment: no day goes between the list of days and the last of them.
class Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection) { connection_.execute("BEGIN"); }
  ~Snapshot() {
    try {
      connection_.execute("ROLLBACK");
    } catch (const sql::DatabaseError&) {  // NOLINT(bugprone-empty-catch): it has ended by itself
    }
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Connection& connection_;
};

/// Words have no quotes in them, so that whatever they are they stand for themselves.
std::string fts_query(const sql::TextQuery& query) {
  std::string text = "\"";
  for (const std::string& word : query.words) {
    if (text.size() > 1) text += ' ';
    text += word;
  }
  return text + (query.is_last_whole ? "\"" : "\" *");
}

}  // namespace

std::int64_t& TextIndex::last_row(core::UnixMillis day) {
  const auto found = last_rows_.find(day);
  if (found != last_rows_.end()) return found->second;
  if (last_rows_.size() >= kMostDaysOpen) last_rows_.clear();
  connection_.prepare("INSERT INTO text_day (day) VALUES (?) ON CONFLICT DO NOTHING").bind(day).run();
  if (connection_.changes() > 0) {
    connection_.execute("CREATE VIRTUAL TABLE " + index_of(day) +
                        " USING fts5(words, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'); "
                        "CREATE TABLE " +
                        leads_of(day) + " (id INTEGER PRIMARY KEY, hash_id INTEGER NOT NULL)");
  }
  Statement last = connection_.prepare("SELECT max(id) FROM " + leads_of(day));
  last.step();
  return last_rows_.emplace(day, last.integer(0)).first->second;
}

void TextIndex::add(core::UnixMillis day, std::int64_t hash_id, std::string_view text) {
  const std::int64_t row = ++last_row(day);
  connection_.prepare("INSERT INTO " + index_of(day) + " (rowid, words) VALUES (?, ?)").bind(row, text).run();
  connection_.prepare("INSERT INTO " + leads_of(day) + " (id, hash_id) VALUES (?, ?)").bind(row, hash_id).run();
}

std::vector<std::int64_t> TextIndex::find(const sql::TextQuery& query, std::size_t most_rows) {
  if (query.words.empty()) return {};
  const std::string text = fts_query(query);
  const Snapshot snapshot(connection_);
  std::unordered_set<std::int64_t> found;
  for (const core::UnixMillis day : days()) {
    // Not kept: each day would be a statement of its own.
    const auto prepared =
        connection_.prepare_once("SELECT hash_id FROM " + index_of(day) + " JOIN " + leads_of(day) +
                                 " ON id = " + index_of(day) + ".rowid WHERE " + index_of(day) + " MATCH ? LIMIT ?");
    Statement rows(*prepared);
    rows.bind(std::string_view(text), most_rows);
    for (; most_rows > 0 && rows.step(); --most_rows) found.insert(rows.integer(0));
    if (most_rows == 0) break;
  }
  return {found.begin(), found.end()};
}

std::vector<core::UnixMillis> TextIndex::days() {
  std::vector<core::UnixMillis> days;
  Statement rows = connection_.prepare("SELECT day FROM text_day ORDER BY day DESC");
  while (rows.step()) days.push_back(rows.integer(0));
  return days;
}

std::int64_t TextIndex::count(core::UnixMillis day) {
  Statement rows = connection_.prepare("SELECT count(*) FROM " + leads_of(day));
  rows.step();
  return rows.integer(0);
}

/// The index itself tells which word stands where.
void TextIndex::read(core::UnixMillis day,
                     const std::function<void(std::int64_t hash_id, std::string_view words)>& take) {
  connection_.execute("CREATE VIRTUAL TABLE temp.text_words USING fts5vocab(main, " + index_of(day) + ", instance)");
  {
    const auto prepared = connection_.prepare_once("SELECT id, hash_id, term FROM " + leads_of(day) +
                                                   " LEFT JOIN temp.text_words ON doc = id ORDER BY id, offset");
    Statement rows(*prepared);
    std::optional<std::int64_t> row;
    std::int64_t hash_id = 0;
    std::string words;
    while (rows.step()) {
      if (row && *row != rows.integer(0)) {
        take(hash_id, words);
        words.clear();
      }
      row = rows.integer(0);
      hash_id = rows.integer(1);
      words.append(words.empty() ? "" : " ").append(rows.text(2));
    }
    if (row) take(hash_id, words);
  }
  connection_.execute("DROP TABLE temp.text_words");
}

std::vector<sql::TextRow> TextIndex::rows_of(core::UnixMillis day, std::span<const std::int64_t> hashes) {
  std::vector<sql::TextRow> found;
  if (hashes.empty()) return found;
  const auto prepared = connection_.prepare_once("SELECT id, hash_id FROM " + leads_of(day) + " WHERE hash_id IN " +
                                                 sql::hash_marks() + " ORDER BY id");
  Statement rows(*prepared);
  sql::bind_hashes(rows, hashes);
  while (rows.step()) found.push_back({rows.integer(1), std::to_string(rows.integer(0)), {}});
  return found;
}

/// The index keeps no text: to remove a row, its words are told once more.
void TextIndex::find_words(core::UnixMillis day, std::span<sql::TextRow> rows) {
  std::unordered_map<std::int64_t, std::string*> wanted;
  for (sql::TextRow& row : rows) wanted.emplace(number_of_row(row), &row.words);
  std::unordered_map<std::int64_t, std::map<std::int64_t, std::string>> found;
  connection_.execute("CREATE VIRTUAL TABLE temp.text_words USING fts5vocab(main, " + index_of(day) + ", instance)");
  {
    const auto prepared = connection_.prepare_once("SELECT doc, offset, term FROM temp.text_words");
    Statement words(*prepared);
    while (words.step()) {
      if (wanted.contains(words.integer(0))) found[words.integer(0)][words.integer(1)] = words.text(2);
    }
  }
  connection_.execute("DROP TABLE temp.text_words");
  for (const auto& [row, words] : found) {
    std::string& text = *wanted[row];
    text.clear();
    for (const auto& [offset, word] : words) text.append(text.empty() ? "" : " ").append(word);
  }
}

void TextIndex::remove(core::UnixMillis day, const sql::TextRow& row) {
  const std::int64_t number = number_of_row(row);
  connection_.prepare("DELETE FROM " + leads_of(day) + " WHERE id = ? AND hash_id = ?").bind(number, row.hash_id).run();
  if (connection_.changes() == 0) return;  // somebody else has; twice would harm the index
  const std::string index = index_of(day);
  connection_.prepare("INSERT INTO " + index + " (" + index + ", rowid, words) VALUES ('delete', ?, ?)")
      .bind(number, std::string_view(row.words))
      .run();
}

/// FTS5 only notes what was deleted, until it merges that with what it is about.
bool TextIndex::compact(core::UnixMillis day, bool is_first) {
  constexpr std::int64_t kPagesAtOnce = 64;
  const std::string index = index_of(day);
  const auto before = sqlite3_total_changes64(connection_.handle());
  connection_.prepare("INSERT INTO " + index + " (" + index + ", rank) VALUES ('merge', ?)")
      .bind(is_first ? -kPagesAtOnce : kPagesAtOnce)
      .run();
  return sqlite3_total_changes64(connection_.handle()) - before >= 2;
}

void TextIndex::drop_before(core::UnixMillis day) {
  for (const core::UnixMillis old : days()) {
    if (old >= day) continue;
    connection_.execute("DROP TABLE " + index_of(old) + "; DROP TABLE " + leads_of(old));
    connection_.prepare("DELETE FROM text_day WHERE day = ?").bind(old).run();
    last_rows_.erase(old);
  }
}

}  // namespace trapline::collector::sqlite
