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
  void drop_before(core::UnixMillis day) override;
  void forget() override { days_.clear(); }

 private:
  void make_day(core::UnixMillis day);

  Connection& connection_;
  std::set<core::UnixMillis> days_;  ///< that have a partition
};

}  // namespace trapline::collector::postgres
