#include "collector/storage/sqlite/integrity.h"

#include <filesystem>
#include <vector>

#include "collector/storage/sqlite/event_days.h"

namespace trapline::collector::sqlite {
namespace {

constexpr std::size_t kMostExamples = 5;

void add(CheckFinding& finding, std::string example) {
  ++finding.faults;
  if (finding.examples.size() < kMostExamples) finding.examples.push_back(std::move(example));
}

}  // namespace

CheckFinding check_file(const std::string& path, CheckDepth depth) {
  CheckFinding finding;
  finding.what = "the file's structure";
  try {
    Connection connection(path, Connection::DayKind::kExisting);
    Statement rows =
        connection.prepare(depth == CheckDepth::kFull ? "PRAGMA integrity_check(100)" : "PRAGMA quick_check(100)");
    while (rows.step()) {
      if (rows.text(0) != "ok") add(finding, std::string(rows.text(0)));
    }
  } catch (const SqliteError& error) {
    if (error.code() != SQLITE_CORRUPT && error.code() != SQLITE_NOTADB) throw;
    add(finding, error.what());
  }
  return finding;
}

CheckFinding check_days(Connection& database, bool repairs) {
  CheckFinding finding;
  finding.what = "the structure of the days' files";
  std::vector<std::int64_t> days;
  {
    Statement rows = database.prepare("SELECT day FROM event_day ORDER BY day");
    while (rows.step()) days.push_back(rows.integer(0));
  }
  for (const std::int64_t day : days) {
    const std::string path = day_path(database.days().pool().folder(), day);
    std::string fault = "the file is missing";
    if (std::filesystem::exists(path)) {
      const CheckFinding found = check_file(path, CheckDepth::kFull);
      if (found.faults == 0) continue;
      fault = found.examples.front();
    }
    add(finding, std::string(path).append(": ").append(fault));
    database.days().set_aside(day, fault);
    if (!repairs) continue;
    database.days().move_away(day);
    database.prepare("DELETE FROM event_day WHERE day = ?").bind(day).run();
    ++finding.mended;
  }
  return finding;
}

CheckFinding check_references(Connection& connection) {
  CheckFinding finding;
  finding.what = "references between tables";
  Statement rows = connection.prepare("PRAGMA foreign_key_check");
  while (rows.step()) {
    add(finding,
        "a row of " + std::string(rows.text(0)) + " names one of " + std::string(rows.text(2)) + " that is not there");
  }
  return finding;
}

}  // namespace trapline::collector::sqlite
