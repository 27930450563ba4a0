#include "collector/storage/sql/payload_check.h"

#include <exception>
#include <memory>
#include <string>

#include "collector/storage/sql/counter_checks.h"
#include "collector/storage/sql/encryption_keys.h"
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
bool has_dictionary(Connection& connection, const Sealer& sealer, const Statement& row) {
  std::string packed;
  std::uint32_t id = 0;
  try {
    id = dictionary_of(sealer.open(row.text(4), event_place(row.integer(1), row.text(2)), packed));
  } catch (const std::exception&) {
    return true;  // what does not open cannot be read with any
  }
  if (id == 0) return true;
  Statement statement = connection.prepare("SELECT bytes FROM payload_dictionary WHERE id = ?");
  statement.bind(id);
  if (!statement.step()) return false;
  try {
    std::string opened;
    return PayloadDictionary(sealer.open(statement.text(0), dictionary_place(id), opened)).id() == id;
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
void set_aside(Connection& connection, const Sealer& sealer, const Statement& row, const std::string& trouble) {
  const std::string id(row.text(2));
  Statement insert = connection.prepare(R"(
    INSERT INTO quarantined_event (project_id, event_id, received_at, tries, error, payload) VALUES (?, ?, ?, 0, ?, ?)
    ON CONFLICT (project_id, event_id) DO NOTHING)");
  const std::string text = event_id_text(id);
  const std::string packed = sealer.seal(pack_bytes(row.text(4)), quarantine_place(row.integer(1), text));
  const std::string error = "its stored bytes are damaged: " + trouble;
  insert.bind(row.integer(1), std::string_view(text), received_at_of(row.integer(0)), std::string_view(error));
  insert.bind_blob(packed);
  insert.run();
  Statement counted = connection.prepare(
      "INSERT INTO event_counted (project_id, event_id, received_at) VALUES (?, ?, ?) "
      "ON CONFLICT (project_id, event_id) DO NOTHING");
  counted.bind(row.integer(1));
  counted.bind_blob(id);
  counted.bind(received_at_of(row.integer(0)));
  counted.run();
}

bool mend_damaged(Connection& connection, PayloadDictionaries& dictionaries, UnixMillis now, std::int64_t event) {
  Transaction transaction(connection);
  const Sealer& sealer = dictionaries.sealer();
  std::int64_t hash = 0;
  {
    Statement row = connection.prepare(kOne);
    row.bind(event);
    if (!row.step()) return true;
    const std::string trouble = trouble_of(connection, dictionaries, row);
    if (trouble.empty()) return true;
    if (const auto key = sealed_with(row.text(4)); key && !sealer.has(*key)) return false;
    if (!has_dictionary(connection, sealer, row)) return false;
    set_aside(connection, sealer, row, trouble);
    note_key(connection, sealer, now);
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

Check payload_check(UnixMillis now, const Sealer& sealer) {
  const auto dictionaries = std::make_shared<PayloadDictionaries>(sealer);  // of both functions
  return {"events that cannot be unpacked",
          [dictionaries](Connection& connection, std::int64_t after) {
            return find_damaged(connection, *dictionaries, after);
          },
          [dictionaries, now](Connection& connection, std::int64_t event) {
            return mend_damaged(connection, *dictionaries, now, event);
          }};
}

}  // namespace trapline::collector::sql
