#include "collector/storage/sql/payload_check.h"

#include <exception>
#include <memory>
#include <string>

#include "collector/storage/sql/counter_checks.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_queries.h"

namespace trapline::collector::sql {
namespace {

/// Of 1 KB each: some milliseconds to unpack.
constexpr int kEventsInSlice = 200;

constexpr std::string_view kSlice =
    "SELECT id, project_id, event_id, 0, data, summary FROM event WHERE id > ?1 ORDER BY id LIMIT ?2";
constexpr std::string_view kOne = "SELECT id, project_id, event_id, 0, data, summary FROM event WHERE id = ?1";

/// What keeps the row from being read; empty: nothing does.
std::string trouble_of(Connection& connection, PayloadDictionaries& dictionaries, const Statement& row) {
  try {
    read_event(connection, dictionaries, row, true);
    return {};
  } catch (const DatabaseError&) {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// Whether the dictionary that the row needs can be used, if it needs one.
bool has_dictionary(Connection& connection, std::string_view packed) {
  const std::uint32_t id = dictionary_of(packed);
  if (id == 0) return true;
  Statement statement = connection.prepare("SELECT bytes FROM payload_dictionary WHERE id = ?");
  statement.bind(id);
  if (!statement.step()) return false;
  try {
    return PayloadDictionary(statement.text(0)).id() == id;
  } catch (const std::exception&) {
    return false;
  }
}

Slice find_damaged(Connection& connection, PayloadDictionaries& dictionaries, std::int64_t after) {
  Slice slice;
  Statement rows = connection.prepare(kSlice);
  rows.bind(after, kEventsInSlice);
  while (rows.step()) {
    const std::int64_t id = rows.integer(0);
    slice.next = id;
    const std::string trouble = trouble_of(connection, dictionaries, rows);
    if (trouble.empty()) continue;
    slice.faults.push_back({id, "event " + event_id_text(rows.text(2)) + " of project " +
                                    std::to_string(rows.integer(1)) + ": " + trouble});
  }
  return slice;
}

/// Puts the event's bytes into the quarantine, and sees to it that the event is not counted again if it comes again.
void set_aside(Connection& connection, const Statement& row, const std::string& trouble) {
  const std::string id(row.text(2));
  const std::string packed = pack_bytes(row.text(4));
  Statement insert = connection.prepare(R"(
    INSERT INTO quarantined_event (project_id, event_id, received_at, tries, error, payload) VALUES (?, ?, ?, 0, ?, ?)
    ON CONFLICT (project_id, event_id) DO NOTHING)");
  const std::string text = event_id_text(id);
  const std::string error = "its stored bytes are damaged: " + trouble;
  insert.bind(row.integer(1), std::string_view(text), received_at_of(row.integer(0)), std::string_view(error));
  insert.bind_blob(packed);
  insert.run();
  Statement counted = connection.prepare(
      "INSERT INTO event_counted (project_id, event_id) VALUES (?, ?) ON CONFLICT (project_id, event_id) DO NOTHING");
  counted.bind(row.integer(1));
  counted.bind_blob(id);
  counted.run();
}

bool mend_damaged(Connection& connection, PayloadDictionaries& dictionaries, std::int64_t event) {
  Transaction transaction(connection);
  std::int64_t hash = 0;
  {
    Statement row = connection.prepare(kOne);
    row.bind(event);
    if (!row.step()) return true;
    const std::string trouble = trouble_of(connection, dictionaries, row);
    if (trouble.empty()) return true;
    if (!has_dictionary(connection, row.text(4))) return false;
    set_aside(connection, row, trouble);
  }
  {
    Statement row = connection.prepare("SELECT hash_id FROM event WHERE id = ?");
    row.bind(event);
    row.step();
    hash = row.integer(0);
  }
  connection.prepare("DELETE FROM event WHERE id = ?").bind(event).run();
  recount_hash(connection, hash);
  transaction.commit();
  return true;
}

}  // namespace

Check payload_check() {
  const auto dictionaries = std::make_shared<PayloadDictionaries>();  // of both functions
  return {"events that cannot be unpacked",
          [dictionaries](Connection& connection, std::int64_t after) {
            return find_damaged(connection, *dictionaries, after);
          },
          [dictionaries](Connection& connection, std::int64_t event) {
            return mend_damaged(connection, *dictionaries, event);
          }};
}

}  // namespace trapline::collector::sql
