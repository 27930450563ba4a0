#pragma once

/// The index of what events say, by the day of their receipt. Each engine has its own (sqlite/, postgres/); a
/// connection has one (Connection::text_index()).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/clock.h"

namespace trapline::collector::sql {

class Statement;

/// What is looked for: words that stand behind each other.
struct TextQuery {
  std::vector<std::string> words;  ///< as text_words() makes them
  bool is_last_whole = true;       ///< else it may be the beginning of a word
};

/// Where a text of a group hash stands in a day's index.
struct TextRow {
  std::int64_t hash_id = 0;
  std::string place;  ///< the engine's own
  std::string words;  ///< of find_words()
};

/// That TextIndex::rows_of() takes.
constexpr std::size_t kMostHashesAtOnce = 32;

class TextIndex {
 public:
  TextIndex() = default;
  virtual ~TextIndex() = default;
  TextIndex(const TextIndex&) = delete;
  TextIndex& operator=(const TextIndex&) = delete;

  /// Within a transaction. `day` is its beginning.
  virtual void add(core::UnixMillis day, std::int64_t hash_id, std::string_view text) = 0;
  /// The group hashes of events that say it, those of the newest days first, until `most_rows` texts were found.
  virtual std::vector<std::int64_t> find(const TextQuery& query, std::size_t most_rows) = 0;
  /// The days that have texts, the newest first.
  virtual std::vector<core::UnixMillis> days() = 0;
  /// How many texts a day has.
  virtual std::int64_t count(core::UnixMillis day) = 0;
  /// Calls `take` with each of a day's texts: its words, as they stand behind each other, as far as they are kept.
  virtual void read(core::UnixMillis day,
                    const std::function<void(std::int64_t hash_id, std::string_view words)>& take) = 0;
  /// A day's texts of these group hashes, at most kMostHashesAtOnce of them, without their words.
  virtual std::vector<TextRow> rows_of(core::UnixMillis day, std::span<const std::int64_t> hashes) = 0;
  /// Fills in of these rows what remove() needs. Takes a look at all of the day.
  virtual void find_words(core::UnixMillis day, std::span<TextRow> rows) = 0;
  /// Removes the row if it is there. Within a transaction.
  virtual void remove(core::UnixMillis day, const TextRow& row) = 0;
  /// Takes removed texts off the disk, some milliseconds' worth. False when there is nothing left to do. Within a
  /// transaction; `is_first`: of this day.
  virtual bool compact(core::UnixMillis day, bool is_first) = 0;
  /// Forgets all days before that one, each at once. Within a transaction.
  virtual void drop_before(core::UnixMillis day) = 0;
  /// To be called when a transaction was rolled back.
  virtual void forget() = 0;
};

/// The words of a text as both engines' indexes tell them apart: what stands between ASCII's signs and blanks. At most
/// so many, since a query is one.
std::vector<std::string> text_words(std::string_view text, std::size_t most);

/// The text with blanks in the place of ASCII's signs.
std::string without_signs(std::string_view text);

/// "(?, ?, …)" with kMostHashesAtOnce marks, and its values; the last one fills up what is less.
std::string hash_marks();
void bind_hashes(Statement& statement, std::span<const std::int64_t> hashes);

/// A query for `text`. Without words it finds nothing.
TextQuery text_query(std::string_view text, bool is_phrase);

}  // namespace trapline::collector::sql
