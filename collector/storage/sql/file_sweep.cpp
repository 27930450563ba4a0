#include "collector/storage/sql/file_sweep.h"

namespace trapline::collector::sql {
namespace {

std::vector<std::int64_t> released_files(Connection& connection, std::int64_t most) {
  std::vector<std::int64_t> released;
  Statement rows = connection.prepare("SELECT file_id FROM released_file ORDER BY file_id LIMIT ?");
  rows.bind(most);
  while (rows.step()) released.push_back(rows.integer(0));
  return released;
}

/// The address of a file that no attachment has; empty: there is none, or one has it.
std::string address_of_unused(Connection& connection, std::int64_t file) {
  Statement unused = connection.prepare(
      "SELECT address FROM stored_file WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM attachment WHERE file_id = ?1)");
  unused.bind(file);
  return unused.step() ? std::string(unused.text(0)) : std::string();
}

}  // namespace

bool has_released_files(Connection& connection) {
  return connection.prepare("SELECT 1 FROM released_file LIMIT 1").step();
}

bool sweep_released_files(Connection& connection, FileStore& files, std::int64_t most) {
  Transaction transaction(connection);
  const auto released = released_files(connection, most);
  for (const std::int64_t file : released) {
    // Before its row: a kill in between leaves a row that is found here again, not a file that nobody knows.
    const std::string address = address_of_unused(connection, file);
    if (!address.empty()) {
      if (is_file_address(address)) files.remove(address);
      connection.prepare("DELETE FROM stored_file WHERE id = ?").bind(file).run();
    }
    connection.prepare("DELETE FROM released_file WHERE file_id = ?").bind(file).run();
  }
  transaction.commit();
  return !released.empty();
}

std::vector<std::string> find_stray_files(Connection& connection, FileStore& files, UnixMillis now) {
  std::vector<std::string> strays;
  files.list([&](const FileStore::Entry& entry) {
    if (entry.written_at > now - kLongestPut || is_named(connection, entry.address)) return;
    strays.push_back(entry.address);
  });
  return strays;
}

void remove_unnamed_file(Connection& connection, FileStore& files, std::string_view address) {
  Transaction transaction(connection);
  if (!is_named(connection, address)) files.remove(address);
}

bool is_named(Connection& connection, std::string_view address) {
  Statement named = connection.prepare("SELECT 1 FROM stored_file WHERE address = ?");
  named.bind(address);
  return named.step();
}

}  // namespace trapline::collector::sql
