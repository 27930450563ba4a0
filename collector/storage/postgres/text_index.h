#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "collector/storage/sql/text_index.h"

namespace trapline::collector::postgres {

class Connection;

/// Of each week a partition of `event_word` and one of `event_phrase` (…_WEEK, its first day counted from 1970).
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
  /// The server's own work (autovacuum).
  bool compact(UnixMillis /*week*/, bool /*is_first*/) override { return false; }
  std::optional<UnixMillis> week_in_pieces(UnixMillis /*after*/, UnixMillis /*before*/) override {
    return std::nullopt;
  }
  void is_in_one_piece(UnixMillis /*week*/) override {}
  void drop_before(UnixMillis day) override;
  void forget() override { weeks_.clear(); }

 private:
  void make_week(UnixMillis week);
  void make_partition(const std::string& table, UnixMillis week);

  Connection& connection_;
  std::set<UnixMillis> weeks_;  ///< that have partitions
};

}  // namespace trapline::collector::postgres
