#include "collector/storage/sqlite/text_index.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/vocabulary.h"

namespace trapline::collector::sqlite {
namespace {

constexpr std::size_t kMostWeeksOpen = 4;

std::string number_of(UnixMillis week) { return std::to_string(week / kDayMs); }
std::string words_of(UnixMillis week) { return "text_word_" + number_of(week); }
std::string phrases_of(UnixMillis week) { return "text_phrase_" + number_of(week); }
std::string places_of(UnixMillis week) { return "text_place_" + number_of(week); }

// A row of phrases: its group hash, which is below 2^31, and its mark.
constexpr int kMarkBits = 32;
std::int64_t row_of(std::int64_t hash_id, std::uint32_t mark) { return hash_id << kMarkBits | mark; }
std::int64_t hash_of(std::int64_t row) { return row >> kMarkBits; }
std::uint32_t mark_of(std::int64_t row) { return static_cast<std::uint32_t>(row); }

/// What is read within it is of one moment: no week goes between the list of weeks and the last of them.
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

void append_word(std::string& words, std::string_view word) {
  if (!words.empty()) words += ' ';
  words += word;
}

}  // namespace

std::int64_t& TextIndex::last_row(UnixMillis week) {
  const auto found = last_rows_.find(week);
  if (found != last_rows_.end()) return found->second;
  if (last_rows_.size() >= kMostWeeksOpen) last_rows_.clear();
  connection_.prepare("INSERT INTO text_week (week) VALUES (?) ON CONFLICT DO NOTHING").bind(week).run();
  if (connection_.changes() > 0) {
    const std::string options = "content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'";
    connection_.execute("CREATE VIRTUAL TABLE " + words_of(week) + " USING fts5(words, detail = none, " + options +
                        "); CREATE VIRTUAL TABLE " + phrases_of(week) + " USING fts5(words, " + options +
                        "); CREATE TABLE " + places_of(week) + " (id INTEGER PRIMARY KEY, place INTEGER NOT NULL)");
  }
  Statement last = connection_.prepare("SELECT max(id) FROM " + places_of(week));
  last.step();
  return last_rows_.emplace(week, last.integer(0)).first->second;
}

/// In the order of their rows: for one that is before the last FTS5 writes down all that it has gathered.
void TextIndex::add(UnixMillis week, std::span<sql::NewText> texts) {
  std::int64_t& last = last_row(week);
  std::sort(texts.begin(), texts.end(), [](const sql::NewText& one, const sql::NewText& other) {
    return row_of(one.hash_id, one.mark) < row_of(other.hash_id, other.mark);
  });
  std::string words;
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const sql::NewText& text = texts[index];
    const std::int64_t row = row_of(text.hash_id, text.mark);
    const bool is_last_of_hash = index + 1 == texts.size() || texts[index + 1].hash_id != text.hash_id;
    if (!text.new_words.empty()) append_word(words, text.new_words);
    if (is_last_of_hash && !words.empty()) {
      connection_.prepare("INSERT INTO " + words_of(week) + " (rowid, words) VALUES (?, ?)")
          .bind(text.hash_id, std::string_view(words))
          .run();
      words.clear();
    }
    if (index + 1 < texts.size() && row == row_of(texts[index + 1].hash_id, texts[index + 1].mark)) continue;
    connection_.prepare("INSERT INTO " + phrases_of(week) + " (rowid, words) VALUES (?, ?)").bind(row, text.text).run();
    connection_.prepare("INSERT INTO " + places_of(week) + " (id, place) VALUES (?, ?)").bind(++last, row).run();
  }
}

std::vector<std::int64_t> TextIndex::find(const sql::TextQuery& query, std::size_t most_rows) {
  if (query.words.empty()) return {};
  const std::string text = fts_query(query);
  const bool is_one_word = query.is_one_word();
  const Snapshot snapshot(connection_);
  std::unordered_set<std::int64_t> found;
  for (const UnixMillis week : weeks()) {
    const std::string index = is_one_word ? words_of(week) : phrases_of(week);
    // Not kept: each week would be a statement of its own.
    std::string sql = "SELECT rowid FROM " + index;
    sql.append(" WHERE ").append(index).append(" MATCH ? LIMIT ?");
    const auto prepared = connection_.prepare_once(sql);
    Statement rows(*prepared);
    rows.bind(std::string_view(text), most_rows);
    std::int64_t last = 0;
    for (; most_rows > 0 && rows.step(); --most_rows) {
      const std::int64_t hash = is_one_word ? rows.integer(0) : hash_of(rows.integer(0));
      if (hash != last) found.insert(hash);
      last = hash;
    }
    if (most_rows == 0) break;
  }
  return {found.begin(), found.end()};
}

std::vector<UnixMillis> TextIndex::weeks() {
  std::vector<UnixMillis> weeks;
  Statement rows = connection_.prepare("SELECT week FROM text_week ORDER BY week DESC");
  while (rows.step()) weeks.push_back(rows.integer(0));
  return weeks;
}

std::int64_t TextIndex::count(UnixMillis week) {
  const auto prepared = connection_.prepare_once("SELECT count(DISTINCT place) FROM " + places_of(week));
  Statement rows(*prepared);
  rows.step();
  return rows.integer(0);
}

/// The index itself tells which word stands where.
void TextIndex::read(UnixMillis week, const std::function<void(const sql::NewText& text)>& take) {
  read_texts(connection_, phrases_of(week), "SELECT DISTINCT place FROM " + places_of(week) + " ORDER BY place",
             [&](const Statement& row, std::string_view words) {
               take({hash_of(row.integer(0)), mark_of(row.integer(0)), words, {}});
             });
}

std::vector<sql::TextRow> TextIndex::rows_of(UnixMillis week, std::span<const std::int64_t> hashes) {
  std::vector<sql::TextRow> found;
  if (hashes.empty()) return found;
  const std::string table = places_of(week);
  const auto prepared = connection_.prepare_once("SELECT place, id FROM " + table + " WHERE place >> 32 IN " +
                                                 sql::hash_marks() + " ORDER BY place, id");
  Statement rows(*prepared);
  sql::bind_hashes(rows, hashes);
  while (rows.step()) {
    const std::int64_t place = rows.integer(0);
    if (found.empty() || row_of(found.back().hash_id, found.back().mark) != place) {
      found.push_back({hash_of(place), mark_of(place), {}, {}});
    }
    found.back().places.push_back(rows.integer(1));
  }
  return found;
}

/// The index keeps no text: to remove a row, its words are told once more.
void TextIndex::find_words(UnixMillis week, std::span<sql::TextRow> rows) {
  std::unordered_map<std::int64_t, std::string*> wanted;
  for (sql::TextRow& row : rows) wanted.emplace(row_of(row.hash_id, row.mark), &row.words);
  const Vocabulary vocabulary(connection_, phrases_of(week));
  const auto prepared = connection_.prepare_once("SELECT doc, term FROM temp.text_words");
  Statement words(*prepared);
  while (words.step()) {
    const auto found = wanted.find(words.integer(0));
    if (found == wanted.end()) continue;
    // In the order of words: what a text has twice comes twice, one behind the other.
    const std::string word = " " + std::string(words.text(1));
    if (!found->second->ends_with(word)) *found->second += word;
  }
}

void TextIndex::remove(UnixMillis week, const sql::TextRow& row) {
  const std::int64_t place = row_of(row.hash_id, row.mark);
  const std::string table = places_of(week);
  std::int64_t removed = 0;
  for (const std::int64_t id : row.places) {
    connection_.prepare("DELETE FROM " + table + " WHERE id = ? AND place = ?").bind(id, place).run();
    removed += connection_.changes();
  }
  if (removed == 0) return;  // somebody else has; twice would harm the index
  // Broken off before the index is compacted, retention does it.
  connection_.prepare("UPDATE text_week SET is_merged = 0 WHERE week = ?").bind(week).run();
  const std::string index = phrases_of(week);
  connection_.prepare("INSERT INTO " + index + " (" + index + ", rowid, words) VALUES ('delete', ?, ?)")
      .bind(place, std::string_view(row.words))
      .run();
  remove_words(week, row.hash_id, row.words);
}

/// But for those that a text has which is left.
void TextIndex::remove_words(UnixMillis week, std::int64_t hash_id, std::string_view words) {
  const std::string phrases = phrases_of(week);
  std::string sql = "SELECT 1 FROM " + phrases;
  sql.append(" WHERE ").append(phrases).append(" MATCH ? AND rowid BETWEEN ? AND ? LIMIT 1");
  std::string gone;
  for (auto word = sql::next_word(words); !word.empty(); word = sql::next_word(words)) {
    const std::string query = fts_query({{std::string(word)}, true});
    Statement left = connection_.prepare(sql);
    left.bind(std::string_view(query), row_of(hash_id, 0), row_of(hash_id + 1, 0) - 1);
    if (!left.step()) append_word(gone, word);
  }
  if (gone.empty()) return;
  const std::string index = words_of(week);
  // FTS5 counts rows, and deletes no more of them than were added: that one word of a row goes is nothing to it.
  connection_.prepare("INSERT INTO " + index + " (rowid, words) VALUES (?, '')").bind(hash_id).run();
  connection_.prepare("INSERT INTO " + index + " (" + index + ", rowid, words) VALUES ('delete', ?, ?)")
      .bind(hash_id, std::string_view(gone))
      .run();
}

/// FTS5 only notes what was deleted, until it merges that with what it is about.
bool TextIndex::merge(const std::string& index, bool is_first) {
  constexpr std::int64_t kPagesAtOnce = 16;
  const auto before = sqlite3_total_changes64(connection_.handle());
  connection_.prepare("INSERT INTO " + index + " (" + index + ", rank) VALUES ('merge', ?)")
      .bind(is_first ? -kPagesAtOnce : kPagesAtOnce)
      .run();
  return sqlite3_total_changes64(connection_.handle()) - before >= 2;
}

bool TextIndex::compact(UnixMillis week, bool is_first) {
  if (!is_first) return merge(words_of(week), false) || merge(phrases_of(week), false);
  const bool has_words = merge(words_of(week), true);
  return merge(phrases_of(week), true) || has_words;
}

std::optional<UnixMillis> TextIndex::week_in_pieces(UnixMillis after, UnixMillis before) {
  Statement week =
      connection_.prepare("SELECT week FROM text_week WHERE week > ? AND week < ? AND is_merged = 0 ORDER BY week");
  week.bind(after, start_of(before, sql::kWeekMs));
  if (!week.step()) return std::nullopt;
  return week.integer(0);
}

void TextIndex::is_in_one_piece(UnixMillis week) {
  connection_.prepare("UPDATE text_week SET is_merged = 1 WHERE week = ?").bind(week).run();
}

void TextIndex::drop_before(UnixMillis day) {
  for (const UnixMillis week : weeks()) {
    if (week + sql::kWeekMs > day) continue;
    connection_.execute("DROP TABLE " + words_of(week) + "; DROP TABLE " + phrases_of(week) + "; DROP TABLE " +
                        places_of(week));
    connection_.prepare("DELETE FROM text_week WHERE week = ?").bind(week).run();
    last_rows_.erase(week);
  }
}

}  // namespace trapline::collector::sqlite
