#pragma once

#include <set>
#include <string>

#include "collector/storage/sql/text_index.h"

namespace trapline::collector::postgres {

class Connection;

/// A partition of `event_text` a day (event_text_DAY, DAY counted from 1970).
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
  void forget() override { days_.clear(); }

 private:
  void make_day(core::UnixMillis day);

  Connection& connection_;
  std::set<core::UnixMillis> days_;  ///< that have a partition
};

}  // namespace trapline::collector::postgres
