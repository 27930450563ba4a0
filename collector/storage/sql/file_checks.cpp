#include "collector/storage/sql/file_checks.h"

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "collector/storage/sql/attachment_contents.h"
#include "collector/storage/sql/file_sweep.h"

namespace trapline::collector::sql {
namespace {

/// Looks at the disk, in a slice.
constexpr int kFilesInSlice = 200;
/// Read and unpacked in a slice; they may have megabytes each.
constexpr int kFilesReadInSlice = 10;

/// A row of stored_file.
struct FileRow {
  std::int64_t id = 0;
  std::string address;
};

std::vector<FileRow> rows_after(Connection& connection, std::int64_t after, int most) {
  std::vector<FileRow> rows;
  Statement statement = connection.prepare("SELECT id, address FROM stored_file WHERE id > ? ORDER BY id LIMIT ?");
  statement.bind(after, most);
  while (statement.step()) rows.push_back({statement.integer(0), std::string(statement.text(1))});
  return rows;
}

bool is_there(FileStore* files, const std::string& address) {
  return files != nullptr && is_file_address(address) && files->contains(address);
}

/// Attachments whose bytes are lost, some at a time, and the row of their file.
bool delete_attachments(Connection& connection, std::int64_t file) {
  constexpr std::int64_t kRowsInStep = 1'000;
  for (std::int64_t deleted = kRowsInStep; deleted >= kRowsInStep;) {
    Transaction transaction(connection);
    connection.prepare("DELETE FROM attachment WHERE id IN (SELECT id FROM attachment WHERE file_id = ?1 LIMIT ?2)")
        .bind(file, kRowsInStep)
        .run();
    deleted = connection.changes();
    transaction.commit();
  }
  return true;
}

Check missing_files(FileStore* files) {
  // Where not one file is to be found the folder is the wrong one, or not mounted: then nothing must be deleted.
  const auto has_some = std::make_shared<bool>(false);
  return {
      "files of attachments that are missing",
      [files, has_some](Connection& connection, std::int64_t after) {
        Slice slice;
        for (const FileRow& row : rows_after(connection, after, kFilesInSlice)) {
          slice.next = row.id;
          if (is_there(files, row.address)) {
            *has_some = true;
          } else {
            slice.faults.push_back({row.id, row.address + (files != nullptr ? " in " + files->place() : "")});
          }
        }
        return slice;
      },
      [files, has_some](Connection& connection, std::int64_t file) {
        if (!*has_some) return false;
        std::string address;
        {
          Statement row = connection.prepare("SELECT address FROM stored_file WHERE id = ?");
          row.bind(file);
          if (row.step()) address = row.text(0);
        }
        if (is_there(files, address)) return true;
        delete_attachments(connection, file);
        Transaction transaction(connection);
        connection
            .prepare(
                "DELETE FROM stored_file WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM attachment WHERE file_id = ?1)")
            .bind(file)
            .run();
        transaction.commit();
        return true;
      }};
}

/// A backup may have the right bytes: the file is left to who looks.
Check damaged_files(FileStore* files, const Sealer& sealer) {
  return {"files of attachments that are damaged",
          [files, &sealer](Connection& connection, std::int64_t after) {
            Slice slice;
            for (const FileRow& row : rows_after(connection, after, kFilesReadInSlice)) {
              slice.next = row.id;
              if (!is_there(files, row.address)) continue;
              try {
                auto stored = files->get(row.address);
                if (stored) open_file(sealer, row.address, std::move(*stored), true);
              } catch (const std::exception& error) {
                slice.faults.push_back({row.id, row.address + ": " + error.what() + "; take it from a backup"});
              }
            }
            return slice;
          },
          [](Connection&, std::int64_t) { return false; }};
}

Check unused_rows() {
  return {"files that no attachment names",
          ask_by_ranges({"stored_file",
                         "SELECT id FROM stored_file WHERE id > ?1 AND id <= ?2 "
                         "AND NOT EXISTS (SELECT 1 FROM attachment WHERE file_id = stored_file.id) "
                         "AND NOT EXISTS (SELECT 1 FROM released_file WHERE file_id = stored_file.id)",
                         "the file of row {0}"}),
          // A collector removes it, if it is still unused then.
          [](Connection& connection, std::int64_t file) {
            Transaction transaction(connection);
            connection.prepare("INSERT INTO released_file (file_id) VALUES (?) ON CONFLICT (file_id) DO NOTHING")
                .bind(file)
                .run();
            transaction.commit();
            return true;
          }};
}

/// Files without a row, but for those that may be on their way into the database.
Check stray_files(FileStore* files, UnixMillis now) {
  const auto strays = std::make_shared<std::vector<std::string>>();  // by the fault's key
  return {"files that the database does not know",
          [files, now, strays](Connection& connection, std::int64_t /*after*/) {
            Slice slice;
            if (files == nullptr) return slice;
            *strays = find_stray_files(connection, *files, now);
            for (std::size_t index = 0; index < strays->size(); ++index) {
              slice.faults.push_back({static_cast<std::int64_t>(index), (*strays)[index]});
            }
            return slice;
          },
          [files, strays](Connection& connection, std::int64_t stray) {
            remove_unnamed_file(connection, *files, strays->at(static_cast<std::size_t>(stray)));
            return true;
          }};
}

}  // namespace

std::vector<Check> file_checks(const CheckContext& context) {
  std::vector<Check> checks;
  checks.push_back({"attachments whose file is not known", ask_for_owners({"attachment", "file_id", "stored_file"}),
                    delete_attachments});
  checks.push_back(missing_files(context.files));
  if (context.is_deep) checks.push_back(damaged_files(context.files, context.sealer));
  checks.push_back(unused_rows());
  checks.push_back(stray_files(context.files, context.now));
  return checks;
}

}  // namespace trapline::collector::sql
