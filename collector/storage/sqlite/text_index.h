#pragma once

#include <map>
#include <string>

#include "collector/storage/sql/text_index.h"

namespace trapline::collector::sqlite {

class Connection;

/// An FTS5 table a day (text_index_DAY, DAY counted from 1970), which keeps no text, beside one that tells to which
/// group hash each of its rows leads (text_row_DAY). Ids grow, which FTS5 stores best.
class TextIndex final : public sql::TextIndex {
 public:
  explicit TextIndex(Connection& connection) : connection_(connection) {}

  void add(core::UnixMillis day, std::int64_t hash_id, std::string_view text) override;
  std::vector<std::int64_t> find(const sql::TextQuery& query, std::size_t most_rows) override;
  std::vector<core::UnixMillis> days() override;
  std::int64_t count(core::UnixMillis day) override;
  void read(core::UnixMillis day,
            const std::function<void(std::int64_t hash_id, std::string_view words)>& take) override;
  std::vector<sql::TextRow> rows_of(core::UnixMillis day, std::span<const std::int64_t> hashes) override;
  void find_words(core::UnixMillis day, std::span<sql::TextRow> rows) override;
  void remove(core::UnixMillis day, const sql::TextRow& row) override;
  bool compact(core::UnixMillis day, bool is_first) override;
  void drop_before(core::UnixMillis day) override;
  void forget() override { last_rows_.clear(); }

 private:
  std::int64_t& last_row(core::UnixMillis day);

  Connection& connection_;
  std::map<core::UnixMillis, std::int64_t> last_rows_;  ///< of the days that were written to
};

}  // namespace trapline::collector::sqlite
