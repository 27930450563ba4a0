#include "collector/storage/sql/key_rotation.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "collector/storage/sql/encryption_keys.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/file_sweep.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/sealed_columns.h"

namespace trapline::collector::sql {
namespace {

/// Sealed in one transaction: a few milliseconds of the writer's time, for events of 1 KB.
constexpr std::size_t kRowsInTransaction = 100;

struct SealedFileRow {
  std::int64_t id = 0;
  std::string address;
};

std::optional<SealedFileRow> file_after(Connection& connection, std::int64_t id) {
  Statement next = connection.prepare("SELECT id, address FROM stored_file WHERE id > ? ORDER BY id LIMIT 1");
  next.bind(id);
  if (!next.step()) return std::nullopt;
  return SealedFileRow{next.integer(0), std::string(next.text(1))};
}

/// What the file begins with; nothing when there is none.
std::optional<std::string> head_of(FileStore* files, const std::string& address) {
  if (files == nullptr || !is_file_address(address)) return std::nullopt;
  return files->head(address, kSealPrefixBytes);
}

/// Nothing is gone through beyond it: what comes later is sealed by who stores it.
std::int64_t last_id(Connection& connection, std::string_view table) {
  Statement last = connection.prepare("SELECT max(id) FROM " + std::string(table));
  if (!last.step() || last.is_null(0)) return std::numeric_limits<std::int64_t>::min();
  return last.integer(0);
}

std::int64_t count_of(Connection& connection, std::string_view table) {
  Statement count = connection.prepare("SELECT count(*) FROM " + std::string(table));
  count.step();
  return count.integer(0);
}

class Rotation {
 public:
  Rotation(Connection& connection, FileStore* files, const Sealer& sealer, const RotationOptions& options,
           UnixMillis now)
      : connection_(connection), files_(files), sealer_(sealer), options_(options), now_(now) {}

  RotationReport run() {
    for (const SealedColumn& column : sealed_columns()) total_ += count_of(connection_, column.table);
    total_ = 2 * (total_ + count_of(connection_, "stored_file"));
    note();
    seal_all();
    // Whoever seals with another key from now on says so (note_key()), and what was sealed with one before is found by
    // the second look: after it, a key that nobody has asked for again is needed no more.
    const std::int64_t unreadable_before = std::exchange(report_.unreadable, 0);
    retire("UPDATE encryption_key SET is_retiring = 1 WHERE id <> ?");
    seal_all();
    report_.unreadable = std::max(report_.unreadable, unreadable_before);
    end();
    return std::move(report_);
  }

 private:
  void note() {
    Transaction transaction(connection_);
    note_key(connection_, sealer_, now_);
    transaction.commit();
  }

  void retire(std::string_view sql) {
    Transaction transaction(connection_);
    connection_.prepare(sql).bind(sealer_.key_id()).run();
    transaction.commit();
  }

  void end() {
    // What could not be opened may be mended with a backup, and needs its key then.
    if (report_.unreadable > 0) return retire("UPDATE encryption_key SET is_retiring = 0 WHERE id <> ?");
    Transaction transaction(connection_);
    {
      Statement keys = connection_.prepare("SELECT id, is_retiring FROM encryption_key WHERE id <> ?");
      keys.bind(sealer_.key_id());
      while (keys.step()) {
        auto& list = keys.integer(1) != 0 ? report_.retired : report_.still_sealing;
        list.push_back(static_cast<KeyId>(keys.integer(0)));
      }
    }
    connection_.execute("DELETE FROM encryption_key WHERE is_retiring <> 0");
    transaction.commit();
  }

  void seal_all() {
    for (const SealedColumn& column : sealed_columns()) seal_column(column);
    seal_files();
  }

  void seal_column(const SealedColumn& column) {
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    const std::int64_t end = last_id(connection_, column.table);
    tell(column.what, 0);
    while (last < end) {
      const auto prefixes = seal_prefixes_after(connection_, column, last);
      if (prefixes.empty()) return;
      last = prefixes.back().id;
      std::vector<std::int64_t> rows;
      for (const SealPrefix& prefix : prefixes) {
        if (prefix.key != sealer_.key_id()) rows.push_back(prefix.id);
      }
      for (std::size_t first = 0; first < rows.size(); first += kRowsInTransaction) {
        seal_rows(column, std::span(rows).subspan(first, std::min(kRowsInTransaction, rows.size() - first)));
        tell(column.what, 0);
      }
      tell(column.what, static_cast<std::int64_t>(prefixes.size()));
    }
  }

  void seal_rows(const SealedColumn& column, std::span<const std::int64_t> rows) {
    Transaction transaction(connection_);
    note_key(connection_, sealer_, now_);
    for (const std::int64_t row : rows) {
      try {
        report_.rows += seal_anew(connection_, sealer_, column, row) ? 1 : 0;
      } catch (const DatabaseError&) {
        throw;
      } catch (const std::exception&) {
        ++report_.unreadable;
      }
    }
    transaction.commit();
  }

  void seal_files() {
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    const std::int64_t end = last_id(connection_, "stored_file");
    while (last < end) {
      const auto file = file_after(connection_, last);
      if (!file) return;
      last = file->id;
      try {
        seal_file(*file);
      } catch (const DatabaseError&) {
        throw;
      } catch (const std::exception&) {
        ++report_.unreadable;
      }
      tell("attachments", 1);
    }
  }

  void seal_file(const SealedFileRow& file) {
    const auto head = head_of(files_, file.address);
    if (!head) {
      ++report_.unreadable;
      return;
    }
    if (sealed_with(*head) == sealer_.key_id()) return;
    auto stored = files_->get(file.address);
    if (!stored) return;  // it went meanwhile
    std::string opened;
    std::string packed(sealer_.open(*stored, file_place(file.address), opened));
    const std::string address = sealer_.address_of(unpack_bytes(packed));
    files_->put(address, sealer_.seal(std::move(packed), file_place(address)));
    if (!rename(file, address)) return;
    ++report_.files;
    // Whoever copies the files needs the old one: it is swept later then.
    if (const auto hold = files_->hold()) remove_unnamed_file(connection_, *files_, file.address);
  }

  /// The row gets the new file, or its attachments the row of the same bytes that has come meanwhile.
  bool rename(const SealedFileRow& file, const std::string& address) {
    Transaction transaction(connection_);
    if (!files_->contains(address)) return false;  // it was taken for a stray: at the second look
    note_key(connection_, sealer_, now_);
    std::optional<std::int64_t> other;
    {
      Statement row = connection_.prepare("SELECT id FROM stored_file WHERE address = ?");
      row.bind(std::string_view(address));
      if (row.step()) other = row.integer(0);
    }
    if (other) {
      connection_.prepare("UPDATE attachment SET file_id = ? WHERE file_id = ?").bind(*other, file.id).run();
      connection_.prepare("DELETE FROM stored_file WHERE id = ?").bind(file.id).run();
      connection_.prepare("DELETE FROM released_file WHERE file_id = ?").bind(file.id).run();
    } else {
      connection_.prepare("UPDATE stored_file SET address = ? WHERE id = ? AND address = ?")
          .bind(std::string_view(address), file.id, std::string_view(file.address))
          .run();
    }
    const bool is_changed = connection_.changes() > 0 || other;
    transaction.commit();
    return is_changed;
  }

  void tell(std::string_view what, std::int64_t further) {
    done_ = std::min(done_ + further, total_);
    if (!options_.on_progress(what, done_, total_)) throw Refusal("broken_off", "it was broken off");
  }

  Connection& connection_;
  FileStore* files_;
  const Sealer& sealer_;
  const RotationOptions& options_;
  UnixMillis now_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
  RotationReport report_;
};

}  // namespace

RotationReport rotate_keys(Connection& connection, FileStore* files, const Sealer& sealer,
                           const RotationOptions& options, UnixMillis now) {
  return Rotation(connection, files, sealer, options, now).run();
}

std::vector<SealCount> count_seals(Connection& connection, FileStore* files) {
  if (!connection.prepare("SELECT 1 FROM encryption_key LIMIT 1").step()) return {};
  std::map<std::optional<KeyId>, SealCount> counts;
  for (const SealedColumn& column : sealed_columns()) {
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    for (;;) {
      const auto prefixes = seal_prefixes_after(connection, column, last);
      if (prefixes.empty()) break;
      last = prefixes.back().id;
      for (const SealPrefix& prefix : prefixes) ++counts[prefix.key].rows;
    }
  }
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  while (const auto file = file_after(connection, last)) {
    last = file->id;
    if (const auto head = head_of(files, file->address)) ++counts[sealed_with(*head)].files;
  }
  std::vector<SealCount> list;
  for (auto& [key, count] : counts) {
    count.key = key;
    list.push_back(count);
  }
  return list;
}

}  // namespace trapline::collector::sql
