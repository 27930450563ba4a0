#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/storage/sql/text_index.h"

namespace trapline::collector::sqlite {

class Connection;

/// Of each week three tables, WEEK being its first day counted from 1970: text_word_WEEK, an FTS5 index of words whose
/// rows are group hashes; text_phrase_WEEK, one of texts, with the places of their words, whose rows are a group hash
/// and a text's mark; and text_place_WEEK, a list of the latter as they came in. The indexes keep no text. A row that
/// is added once more takes the place of the one before when FTS5 merges the two: all that is said twice is kept once.
class TextIndex final : public sql::TextIndex {
 public:
  explicit TextIndex(Connection& connection) : connection_(connection) {}

  void add(UnixMillis week, std::span<sql::NewText> texts) override;
  std::vector<std::int64_t> find(const sql::TextQuery& query, std::size_t most_rows) override;
  std::vector<UnixMillis> weeks() override;
  std::int64_t count(UnixMillis week) override;
  void read(UnixMillis week, const std::function<void(const sql::NewText& text)>& take) override;
  std::vector<sql::TextRow> rows_of(UnixMillis week, std::span<const std::int64_t> hashes) override;
  void find_words(UnixMillis week, std::span<sql::TextRow> rows) override;
  void remove(UnixMillis week, const sql::TextRow& row) override;
  bool compact(UnixMillis week, bool is_first) override;
  std::optional<UnixMillis> week_in_pieces(UnixMillis after, UnixMillis before) override;
  void is_in_one_piece(UnixMillis week) override;
  void drop_before(UnixMillis day) override;
  void forget() override { last_rows_.clear(); }

 private:
  /// The last number in the list of rows.
  std::int64_t& last_row(UnixMillis week);
  void remove_words(UnixMillis week, std::int64_t hash_id, std::string_view words);
  bool merge(const std::string& index, bool is_first);

  Connection& connection_;
  std::map<UnixMillis, std::int64_t> last_rows_;  ///< of the weeks that were written to
};

}  // namespace trapline::collector::sqlite
