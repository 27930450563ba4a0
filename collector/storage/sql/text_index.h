#pragma once

/// The index of what events say, by the day of their receipt. Each engine has its own (sqlite/, postgres/); a
/// connection has one (Connection::text_index()).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/clock.h"

namespace trapline::collector::sql {

/// What is looked for: words that stand behind each other.
struct TextQuery {
  std::vector<std::string> words;  ///< as text_words() makes them
  bool is_last_whole = true;       ///< else it may be the beginning of a word
};

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

/// A query for `text`. Without words it finds nothing.
TextQuery text_query(std::string_view text, bool is_phrase);

}  // namespace trapline::collector::sql
