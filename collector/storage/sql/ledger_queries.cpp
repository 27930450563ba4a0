#include "collector/storage/sql/ledger_queries.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collector/storage/sql/cursor.h"
#include "collector/storage/time_span.h"
#include "sdk/core/hex.h"

namespace trapline::collector::sql {
namespace {

// What the server rejected of libtrapline's is among the refusals already. What a run of a program has captured and has
// not said the end of is unknown: it may come yet. No run's gap is filled by what another has too much.
constexpr std::string_view kRows = R"(
    SELECT hour, "release", outcome, reason, count FROM ledger WHERE project_id = ?1 AND hour >= ?2 AND hour < ?3
    UNION ALL
    SELECT told_at - told_at % 3600000, "release", 'unknown', 'not_accounted', captured - reached - dropped
    FROM client_run
    WHERE project_id = ?1 AND told_at >= ?2 AND told_at < ?3 AND captured > reached + dropped
    UNION ALL
    SELECT hour, '', 'refused', reason, count FROM refusal_hour WHERE project_id = ?1 AND hour >= ?2 AND hour < ?3
    UNION ALL
    SELECT timestamp - timestamp % 3600000, '', 'not_sent', reason, quantity FROM client_loss
    WHERE project_id = ?1 AND timestamp >= ?2 AND timestamp < ?3 AND reason <> 'rejected'
      AND category IN ('error', 'default', 'security', ''))";

std::vector<LedgerEntry> read_ledger(Statement& rows) {
  std::vector<LedgerEntry> entries;
  while (rows.step()) {
    entries.push_back({rows.integer(0), std::string(rows.text(1)), std::string(rows.text(2)), std::string(rows.text(3)),
                       rows.integer(4)});
  }
  return entries;
}

/// Where a page ended: the last entry's hour and names. As text: "<hour>.<release>.<outcome>.<reason>", the names in
/// hex, which sorts as they do and says nothing to an address.
struct LedgerCursor {
  UnixMillis hour = 0;
  std::string names;

  static std::string to_text(const LedgerEntry& last) {
    return std::to_string(last.hour) + "." + hex(last.release) + "." + hex(last.outcome) + "." + hex(last.reason);
  }
  /// Nothing for the empty text, which asks for the first page.
  static std::optional<LedgerCursor> parse(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) throw InvalidCursor();
    LedgerCursor cursor;
    const auto [end, error] = std::from_chars(text.data(), text.data() + dot, cursor.hour);
    cursor.names = text.substr(dot + 1);
    const auto dots = std::count(cursor.names.begin(), cursor.names.end(), '.');
    if (error != std::errc{} || end != text.data() + dot || dots != 2) throw InvalidCursor();
    return cursor;
  }

 private:
  static std::string hex(const std::string& text) { return core::to_hex(std::as_bytes(std::span(text))); }
};

std::vector<LedgerEntry> find_entries(Connection& connection, const LedgerQuery& query,
                                      const std::optional<LedgerCursor>& last, std::size_t limit) {
  std::string sql = "SELECT hour, \"release\", outcome, reason, sum(count) FROM (" + std::string(kRows) +
                    ") AS line GROUP BY hour, \"release\", outcome, reason";
  // '.' sorts before every digit of hex, as an end of the text does.
  if (last) {
    sql += R"( HAVING hour < ?5 OR
      lower(hex("release")) || '.' || lower(hex(outcome)) || '.' || lower(hex(reason)) > ?6)";
  }
  Statement rows = connection.prepare(sql + " ORDER BY hour DESC, \"release\", outcome, reason LIMIT ?4");
  // Hours that were shown are not even read. The cursor's may be any number.
  const bool ends_earlier = last && last->hour < query.to;
  const UnixMillis to = ends_earlier ? std::min(query.to, last->hour + kHourMs) : query.to;
  rows.bind(query.project_id, start_of(query.from, kHourMs), to, limit);
  if (last) rows.bind(last->hour, std::string_view(last->names));
  return read_ledger(rows);
}

}  // namespace

LedgerPage find_ledger(Connection& connection, const LedgerQuery& query) {
  const auto last = LedgerCursor::parse(query.cursor);
  LedgerPage page;
  page.items = find_entries(connection, query, last, query.limit + 1);  // one more tells whether there is a next page
  if (page.items.size() > query.limit) {
    page.items.pop_back();
    page.next_cursor = LedgerCursor::to_text(page.items.back());
  }
  const bool holds_all = !last && page.next_cursor.empty();
  const auto all = holds_all ? page.items : sum_ledger(connection, query.project_id, query.from, query.to);
  for (const LedgerEntry& entry : all) page.totals[entry.outcome] += entry.count;
  return page;
}

std::vector<LedgerEntry> sum_ledger(Connection& connection, ProjectId project, UnixMillis from, UnixMillis to) {
  Statement statement = connection.prepare("SELECT hour, '', outcome, reason, sum(count) FROM (" + std::string(kRows) +
                                           ") AS line GROUP BY hour, outcome, reason ORDER BY hour, outcome, reason");
  statement.bind(project, start_of(from, kHourMs), to);
  return read_ledger(statement);
}

}  // namespace trapline::collector::sql
