#include "collector/storage/sqlite/integrity.h"

namespace trapline::collector::sqlite {
namespace {

constexpr std::size_t kMostExamples = 5;

void add(CheckFinding& finding, std::string example) {
  ++finding.faults;
  if (finding.examples.size() < kMostExamples) finding.examples.push_back(std::move(example));
}

}  // namespace

CheckFinding check_structure(const std::string& path, CheckDepth depth) {
  CheckFinding finding;
  finding.what = "the file's structure";
  try {
    Connection connection(path);
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
