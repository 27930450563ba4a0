#include "collector/storage/sql/sealed_columns.h"

#include <utility>
#include <vector>

#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/event_ids.h"

namespace trapline::collector::sql {
namespace {

/// Only the first bytes of each are read.
constexpr int kSealedRowsInSlice = 1'000;

constexpr SealedColumn kColumns[] = {
    {"compression dictionaries", "payload_dictionary", "bytes", "", "id, ''",
     [](std::int64_t id, std::string_view) { return dictionary_place(id); }},
    {"events", "event", "data", "", "project_id, event_id", event_place},
    {"events in the quarantine", "quarantined_event", "payload", "", "project_id, event_id", quarantine_place},
    {"the key of reports", "report_key", "bytes", "", "id, ''",
     [](std::int64_t, std::string_view) { return report_key_place(); }},
    {"small attachments", "attachment", "bytes", " AND file_id IS NULL", "project_id, item_id", attachment_place},
};

/// Rows of schema 1 have what lists show in a text beside their bytes: it becomes a part of them.
std::string bytes_of_schema_1(Connection& connection, std::int64_t id) {
  DigestedEvent event;
  Statement row = connection.prepare("SELECT data, summary FROM event WHERE id = ?");
  row.bind(id);
  if (!row.step() || row.is_null(1)) return {};
  unpack_event_of_schema_1(row.text(0), row.text(1), true, event);
  return pack_event(event, nullptr);
}

void forget_summary(Connection& connection, std::int64_t id) {
  connection.prepare("UPDATE event SET summary = NULL WHERE id = ?").bind(id).run();
}

}  // namespace

std::span<const SealedColumn> sealed_columns() { return kColumns; }

std::vector<SealPrefix> seal_prefixes_after(Connection& connection, const SealedColumn& column, std::int64_t id) {
  std::string sql = "SELECT id, substr(";
  sql.append(column.column).append(", 1, 5) FROM ").append(column.table).append(" WHERE id > ?");
  sql.append(column.condition).append(" ORDER BY id LIMIT ?");
  Statement rows = connection.prepare(sql);
  rows.bind(id, kSealedRowsInSlice);
  std::vector<SealPrefix> prefixes;
  while (rows.step()) prefixes.push_back({rows.integer(0), sealed_with(rows.text(1))});
  return prefixes;
}

bool seal_anew(Connection& connection, const Sealer& sealer, const SealedColumn& column, std::int64_t id) {
  std::string bytes;
  std::string place;
  {
    std::string sql = "SELECT ";
    sql.append(column.column).append(", ").append(column.place).append(" FROM ").append(column.table);
    sql.append(" WHERE id = ?").append(column.condition);
    Statement row = connection.prepare(sql);
    row.bind(id);
    if (!row.step() || row.text(0).starts_with(sealer.prefix())) return false;
    place = column.place_of(row.integer(1), row.text(2));
    std::string opened;
    bytes = sealer.open(row.text(0), place, opened);
  }
  if (column.table == "event") {
    if (std::string packed = bytes_of_schema_1(connection, id); !packed.empty()) {
      bytes = std::move(packed);
      forget_summary(connection, id);
    }
  }
  const std::string sealed = sealer.seal(std::move(bytes), place);
  std::string sql = "UPDATE ";
  sql.append(column.table).append(" SET ").append(column.column).append(" = ?1 WHERE id = ?2");
  Statement update = connection.prepare(sql);
  update.bind_blob(sealed);
  update.bind(id);
  update.run();
  return true;
}

}  // namespace trapline::collector::sql
