#pragma once

/// The index of what events say, by the week of their receipt: a week is few enough indexes for a question, and goes as
/// a whole soon after its events. Of each week there are two parts: in which group hashes a word stands, which answers
/// nearly all questions and has a row for each word of a group hash, however many events say it; and the texts with the
/// places of their words, for words behind each other. Each engine has its own (sqlite/, postgres/); a connection has
/// one (Connection::text_index()).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/time_span.h"

namespace trapline::collector::sql {

class Statement;

constexpr UnixMillis kWeekMs = 7 * kDayMs;

/// What is looked for: words that stand behind each other.
struct TextQuery {
  std::vector<std::string> words;  ///< as text_words() makes them
  bool is_last_whole = true;       ///< else it may be the beginning of a word

  /// Whether it is one word for every engine, so that the places of words do not matter.
  [[nodiscard]] bool is_one_word() const;
};

/// A text of a group hash that is to be indexed.
struct NewText {
  std::int64_t hash_id = 0;
  std::uint32_t mark = 0;  ///< text_mark()
  std::string_view text;
  std::string new_words;  ///< of the text, with blanks between: those that the group hash is not yet known to say
};

/// A text of a group hash in a week's index: what remove() takes.
struct TextRow {
  std::int64_t hash_id = 0;
  std::uint32_t mark = 0;
  // The engine's own:
  std::vector<std::int64_t> places;
  std::string words;
};

/// That TextIndex::rows_of() takes.
constexpr std::size_t kMostHashesAtOnce = 32;

/// Weeks are named by their beginning.
class TextIndex {
 public:
  TextIndex() = default;
  virtual ~TextIndex() = default;
  TextIndex(const TextIndex&) = delete;
  TextIndex& operator=(const TextIndex&) = delete;

  /// Within a transaction. The texts are brought into another order.
  virtual void add(UnixMillis week, std::span<NewText> texts) = 0;
  /// The group hashes of events that say it, those of the newest weeks first, until `most_rows` rows were found.
  virtual std::vector<std::int64_t> find(const TextQuery& query, std::size_t most_rows) = 0;
  /// The weeks that have texts, the newest first.
  virtual std::vector<UnixMillis> weeks() = 0;
  /// How many texts a week has.
  virtual std::int64_t count(UnixMillis week) = 0;
  /// Calls `take` with each of a week's texts, those of a group hash behind each other: the text is its words, as they
  /// stand behind each other, as far as they are kept.
  virtual void read(UnixMillis week, const std::function<void(const NewText& text)>& take) = 0;
  /// A week's texts of these group hashes, at most kMostHashesAtOnce of them, without what find_words() tells.
  virtual std::vector<TextRow> rows_of(UnixMillis week, std::span<const std::int64_t> hashes) = 0;
  /// Fills in of these rows, which are to be removed all together, what remove() needs. Takes a look at all of the
  /// week.
  virtual void find_words(UnixMillis week, std::span<TextRow> rows) = 0;
  /// Removes the text if it is there, also when an event has said it since the row was looked up, and the words that no
  /// other text of its group hash says by then. Within a transaction.
  virtual void remove(UnixMillis week, const TextRow& row) = 0;
  /// Takes removed texts off the disk and makes one piece of a week's index, some milliseconds' worth. False when there
  /// is nothing left to do. Within a transaction; `is_first`: of this week.
  virtual bool compact(UnixMillis week, bool is_first) = 0;
  /// The first week after and before those which is still in pieces, though nothing is added to it any more.
  virtual std::optional<UnixMillis> week_in_pieces(UnixMillis after, UnixMillis before) = 0;
  /// That compact() has come to its end of such a week. Within a transaction.
  virtual void is_in_one_piece(UnixMillis week) = 0;
  /// Forgets all weeks that were over before that day, each at once. Within a transaction.
  virtual void drop_before(UnixMillis day) = 0;
  /// To be called when a transaction was rolled back.
  virtual void forget() = 0;
};

/// A text's number among those of its group hash and week: 32 bits of a hash.
std::uint32_t text_mark(std::string_view text);

/// Takes the next word off `rest`: what stands between ASCII's signs and blanks, which both engines' indexes take for
/// such, too. Empty at the end.
std::string_view next_word(std::string_view& rest);

/// The words of a text, at most so many, since a query is one.
std::vector<std::string> text_words(std::string_view text, std::size_t most);

/// The text with blanks in the place of ASCII's signs.
std::string without_signs(std::string_view text);

/// "(?, ?, …)" with kMostHashesAtOnce marks, and its values; the last one fills up what is less.
std::string hash_marks();
void bind_hashes(Statement& statement, std::span<const std::int64_t> hashes);

/// A query for `text`. Without words it finds nothing.
TextQuery text_query(std::string_view text, bool is_phrase);

}  // namespace trapline::collector::sql
