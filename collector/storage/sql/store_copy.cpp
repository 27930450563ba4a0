#include "collector/storage/sql/store_copy.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/row_code.h"
#include "collector/storage/sql/text_copy.h"
#include "sdk/core/hex.h"

namespace trapline::collector::sql {
namespace {

using Stage = MigrationProgress::Stage;

/// The days whose events there are.
constexpr std::string_view kDays = "event_day";
/// Others refer to these, in this order.
constexpr std::string_view kFirstTables[] = {"project", "account", "issue", "issue_hash", "tag", kDays};
/// Fine hashes refer to coarse ones (kind 1) of the same table, which come first.
constexpr std::string_view kHashes = "issue_hash";
/// Has its row from the beginning.
constexpr std::string_view kEpoch = "place_epoch";
constexpr std::string_view kEvents = "event";
/// What tells a source from all others, and from itself after somebody has worked with it.
constexpr std::string_view kTellingTables[] = {"project", "project_key", "node_position", kEpoch};

constexpr std::string_view kSaveProgress =
    "UPDATE move_progress SET last_key = ?, rows = ?, checksum = ? WHERE part = ?";

/// What is copied in one go: a table, or some of its rows.
struct Part {
  const Table* table = nullptr;
  std::string name;
  std::string condition;  ///< of its rows; may be empty
};

/// What of a part has been read.
struct Sum {
  std::string last_key;  ///< as row_code.h writes it; empty: there is no row
  std::int64_t rows = 0;
  std::int64_t changed_rows = 0;
  std::uint64_t checksum = 0;

  [[nodiscard]] bool is_same_as(const Sum& other) const { return rows == other.rows && checksum == other.checksum; }
  [[nodiscard]] std::string told() const {
    return std::to_string(rows) + " rows with checksum " + core::to_hex(std::as_bytes(std::span(&checksum, 1)));
  }
};

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

std::string marks(std::size_t count) {
  std::string text;
  for (std::size_t index = 0; index < count; ++index) text += index == 0 ? "?" : ", ?";
  return text;
}

/// Goes through a part's rows, in pages of its key.
class PartReader {
 public:
  PartReader(MoveEnd& end, const Part& part, const MigrationOptions& options)
      : end_(end), part_(part), rows_(options.rows_per_page), bytes_(options.bytes_per_page) {
    for (const std::string& name : part.table->key) {
      const auto& columns = part.table->columns;
      const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
      key_.push_back(static_cast<std::size_t>(found - columns.begin()));
    }
  }

  /// Reads the page behind sum's last row and adds its rows to it, as `target` is to have them. `begin` is called
  /// before the first, `take` with the values of each. False when there is no row any more.
  template <class Begin, class Take>
  bool read_page(Sum& sum, const MoveEnd& target, Begin begin, Take take) {
    Statement page = end_.connection().prepare(query(!sum.last_key.empty()));
    for (const Value& value : read_code(sum.last_key)) bind_value(page, value);
    if (!page.step()) return false;
    begin();
    std::int64_t bytes = 0;
    do {
      bytes += read_row(page, sum, target, take);
    } while (bytes < bytes_ && page.step());
    return true;
  }

 private:
  [[nodiscard]] std::string query(bool is_behind_key) const {
    PageQuery query{quoted_list(names_of(part_.table->columns)), part_.condition, rows_, bytes_};
    if (is_behind_key) {
      const auto& key = part_.table->key;
      if (!query.condition.empty()) query.condition += " AND ";
      query.condition += "(" + quoted_list(key) + ") > (" + marks(key.size()) + ")";
    }
    return end_.page_query(*part_.table, query);
  }

  template <class Take>
  std::int64_t read_row(const Statement& page, Sum& sum, const MoveEnd& target, Take take) {
    const auto& columns = part_.table->columns;
    values_.clear();
    for (std::size_t index = 0; index < columns.size(); ++index) {
      values_.push_back(read_value(page, static_cast<int>(index), columns[index].type));
    }
    sum.last_key.clear();
    for (const std::size_t index : key_) append_code(sum.last_key, values_[index]);
    replaced_.clear();
    for (Value& value : values_) {
      if (value.is_null || value.type != ColumnType::kText) continue;
      auto instead = target.stored_instead(value.bytes);
      if (!instead) continue;
      replaced_.push_back(std::make_unique<std::string>(std::move(*instead)));
      value.bytes = *replaced_.back();
    }
    code_.clear();
    for (const Value& value : values_) append_code(code_, value);
    ++sum.rows;
    sum.changed_rows += replaced_.empty() ? 0 : 1;
    sum.checksum += row_hash(code_);
    take(values_);
    return static_cast<std::int64_t>(code_.size());
  }

  MoveEnd& end_;
  const Part& part_;
  std::int64_t rows_;
  std::int64_t bytes_;
  std::vector<std::size_t> key_;  ///< the places of the key's columns
  std::vector<Value> values_;     ///< of the row at hand, as the next two
  std::vector<std::unique_ptr<std::string>> replaced_;
  std::string code_;
};

class StoreCopy {
 public:
  StoreCopy(const MovedStore& source, const MovedStore& target, const MigrationOptions& options)
      : source_(source.end),
        target_(target.end),
        source_files_(source.files),
        target_files_(target.files),
        options_(options) {}

  MigrationReport run() {
    source_.hold_still();
    find_parts();
    begin_or_resume();
    count_rows();
    refuse_damage();
    std::int64_t rows_copied = 0;  // by earlier runs
    for (const auto& [name, copied] : copied_) rows_copied += copied.rows;
    start(Stage::kCopying, rows_copied, rows_total_ + count_texts(source_.connection()));
    for (const Part& part : parts_) copy(part);
    copy_texts(source_.connection(), target_.connection(), [&](std::int64_t texts) { tell("event_text", texts); });
    copy_files();
    start(Stage::kVerifying, 0, 2 * rows_total_);
    for (const Part& part : parts_) verify(part);
    refuse_damage();
    finish();
    return std::move(report_);
  }

 private:
  /// What cannot be read is left out of copy and checksums alike: nobody would notice.
  void refuse_damage() {
    const auto troubles = source_.troubles();
    if (troubles.empty()) return;
    throw Refusal("database_damaged", troubles.front() +
                                          ": run trapline-collector check --repair on the old database, which counts "
                                          "anew what is left, and move it into an empty one then");
  }

  void find_parts() {
    tables_ = source_.tables();
    sort_by_reference(tables_);
    target_tables_ = target_.tables();
    sort_by_reference(target_tables_);
    const auto is_same = [](const Table& one, const Table& other) {
      return one.name == other.name && one.columns == other.columns && one.key == other.key && !one.key.empty();
    };
    if (!std::equal(tables_.begin(), tables_.end(), target_tables_.begin(), target_tables_.end(), is_same)) {
      throw Refusal("storage", "the two databases have not the same tables");
    }
    for (const Table& table : tables_) {
      if (table.name == kHashes) {
        parts_.push_back({&table, table.name + " (coarse)", "kind = 1"});
        parts_.push_back({&table, table.name + " (fine)", "kind <> 1"});
      } else {
        parts_.push_back({&table, table.name, ""});
      }
    }
  }

  /// A hash of what tells the source, as it is now, from others.
  std::string source_identity() {
    std::string code;
    const auto add = [&](const std::vector<Value>& values) {
      for (const Value& value : values) append_code(code, value);
    };
    for (const Part& part : parts_) {
      code += part.name + '\n';
      if (std::find(std::begin(kTellingTables), std::end(kTellingTables), part.name) == std::end(kTellingTables)) {
        continue;
      }
      Sum sum;
      PartReader reader(source_, part, options_);
      while (reader.read_page(
          sum, source_, [] {}, add)) {
      }
    }
    Statement newest = source_.connection().prepare("SELECT max(id) FROM event");
    newest.step();
    append_code(code, read_value(newest, 0, ColumnType::kInteger));
    const std::uint64_t hash = row_hash(code);
    return core::to_hex(std::as_bytes(std::span(&hash, 1)));
  }

  void begin_or_resume() {
    if (source_.connection().prepare("SELECT 1 FROM move_progress").step()) {
      throw Refusal("unfinished_move", "the source is itself the target of a move that has not ended");
    }
    const std::string identity = source_identity();
    Transaction transaction(target_.connection());
    report_.was_resumed = load_progress(identity);
    if (report_.was_resumed) return;
    refuse_rows();
    target_.connection().execute("DELETE FROM " + std::string(kEpoch));
    for (const Part& part : parts_) {
      Statement insert = target_.connection().prepare(
          "INSERT INTO move_progress (part, source, last_key, rows, checksum) VALUES (?, ?, ?, 0, 0)");
      insert.bind(std::string_view(part.name), std::string_view(identity));
      insert.bind_blob("");
      insert.run();
    }
    transaction.commit();
  }

  /// False when there is none.
  bool load_progress(std::string_view identity) {
    Statement rows = target_.connection().prepare("SELECT part, source, last_key, rows, checksum FROM move_progress");
    bool is_there = false;
    while (rows.step()) {
      is_there = true;
      if (rows.text(1) != identity) {
        throw Refusal("other_source",
                      "the target holds a move that has not ended, of another database, or of this one before somebody "
                      "worked with it: empty the target and begin anew");
      }
      copied_[std::string(rows.text(0))] = {std::string(rows.text(2)), rows.integer(3), 0,
                                            static_cast<std::uint64_t>(rows.integer(4))};
    }
    return is_there;
  }

  void refuse_rows() {
    for (const Table& table : tables_) {
      if (table.name == kEpoch) continue;
      if (!target_.connection().prepare("SELECT 1 FROM " + quoted(table.name) + " LIMIT 1").step()) continue;
      throw Refusal("not_empty", "the target is not empty, it has rows in the table " + table.name +
                                     ": give a database that no collector has used");
    }
  }

  void count_rows() {
    for (const Table& table : tables_) {
      Statement count = source_.connection().prepare("SELECT count(*) FROM " + quoted(table.name));
      count.step();
      rows_total_ += count.integer(0);
    }
  }

  void copy(const Part& part) {
    Sum& copied = copied_[part.name];
    tell(part, 0);
    const std::string insert_sql = "INSERT INTO " + quoted(part.table->name) + " (" +
                                   quoted_list(names_of(part.table->columns)) + ") VALUES (" +
                                   marks(part.table->columns.size()) + ")";
    Statement insert = target_.connection().prepare(insert_sql);
    const auto store = [&](const std::vector<Value>& values) {
      for (const Value& value : values) bind_value(insert, value);
      insert.run();
      insert.reset();
    };
    if (part.table->name == kEvents) make_days();
    PartReader reader(source_, part, options_);
    for (;;) {
      const std::int64_t rows_before = copied.rows;
      try {
        std::optional<Transaction> transaction;
        if (!reader.read_page(
                copied, target_, [&] { transaction.emplace(target_.connection()); }, store))
          return;
        save_progress(part, copied);
        transaction->commit();
      } catch (const DatabaseError& error) {
        throw DatabaseError(error.cause(), "while the table " + part.table->name + " was copied: " + error.what());
      }
      tell(part, copied.rows - rows_before);
    }
  }

  /// The target's partitions, of which `event_day` knows already.
  void make_days() {
    std::vector<std::int64_t> days;
    {
      Statement rows = source_.connection().prepare("SELECT day FROM event_day");
      while (rows.step()) days.push_back(rows.integer(0));
    }
    Transaction transaction(target_.connection());
    for (const std::int64_t day : days) target_.connection().make_event_day(day);
    transaction.commit();
  }

  void save_progress(const Part& part, const Sum& copied) {
    Statement save = target_.connection().prepare(kSaveProgress);
    save.bind_blob(copied.last_key);
    save.bind(copied.rows, static_cast<std::int64_t>(copied.checksum), std::string_view(part.name));
    save.run();
  }

  /// As they are, sealed or not. What is there, as of an earlier run, is whole.
  void copy_files() {
    std::int64_t total = 0;
    {
      Statement count = source_.connection().prepare("SELECT count(*) FROM stored_file");
      count.step();
      total = count.integer(0);
    }
    if (total == 0) return;
    start(Stage::kFiles, 0, total);
    std::int64_t last = 0;
    while (const auto file = file_after(last)) {
      last = file->first;
      copy_file(file->second);
      tell("attachments", 1);
    }
  }

  std::optional<std::pair<std::int64_t, std::string>> file_after(std::int64_t id) {
    Statement next =
        source_.connection().prepare("SELECT id, address FROM stored_file WHERE id > ? ORDER BY id LIMIT 1");
    next.bind(id);
    if (!next.step()) return std::nullopt;
    return std::pair(next.integer(0), std::string(next.text(1)));
  }

  void copy_file(const std::string& address) {
    std::optional<std::string> bytes;
    if (source_files_ != nullptr && is_file_address(address)) bytes = source_files_->get(address);
    if (!bytes) {
      ++report_.missing_files;
      return;
    }
    if (target_files_ == nullptr) {
      throw Refusal("storage", "the source has attachments in files, and no folder was named for the target's");
    }
    target_files_->put(address, *bytes);
    if (target_files_->get(address) != *bytes) {
      throw Refusal("differs", "the file " + address + " is another one in " + target_files_->place() +
                                   ": empty the target and its folder, and begin anew");
    }
    ++report_.files;
  }

  void verify(const Part& part) {
    const Sum& copied = copied_[part.name];
    const Sum there = sum_up(source_, part);
    const std::string table = "the table " + part.table->name + " differs: ";
    if (!there.is_same_as(copied)) {
      throw Refusal("differs", table + "the source had " + copied.told() + " when it was copied and has " +
                                   there.told() + ": empty the target and begin anew");
    }
    const Sum here = sum_up(target_, part);
    if (!here.is_same_as(there)) {
      throw Refusal("differs", table + "the source has " + there.told() + ", the target " + here.told() +
                                   ": empty the target and begin anew");
    }
    if (report_.tables.empty() || report_.tables.back().name != part.table->name) {
      report_.tables.push_back({part.table->name});
    }
    report_.tables.back().rows += there.rows;
    report_.tables.back().changed_rows += there.changed_rows;
  }

  /// All of a part, read anew.
  Sum sum_up(MoveEnd& end, const Part& part) {
    Sum sum;
    PartReader reader(end, part, options_);
    const auto nothing = [](const std::vector<Value>&) {};
    std::int64_t told = 0;
    while (reader.read_page(
        sum, target_, [] {}, nothing)) {
      tell(part, sum.rows - told);
      told = sum.rows;
    }
    return sum;
  }

  /// The target becomes a database like others.
  void finish() {
    Connection& connection = target_.connection();
    Transaction transaction(connection);
    for (std::size_t index = 0; index < tables_.size(); ++index) {
      target_.set_last_id(target_tables_[index], source_.last_id(tables_[index]));
    }
    const std::string from = source_.node_of(options_.spool);
    const std::string to = target_.node_of(options_.spool);
    if (from != to &&
        connection.prepare("SELECT 1 FROM node_position WHERE node = ?").bind(std::string_view(from)).step()) {
      connection.prepare("DELETE FROM node_position WHERE node = ?").bind(std::string_view(to)).run();
      connection.prepare("UPDATE node_position SET node = ? WHERE node = ?")
          .bind(std::string_view(to), std::string_view(from))
          .run();
    }
    connection.execute("DELETE FROM move_progress");
    transaction.commit();
  }

  void start(Stage stage, std::int64_t rows, std::int64_t rows_total) { progress_ = {stage, "", rows, rows_total}; }

  void tell(const Part& part, std::int64_t further_rows) { tell(part.table->name, further_rows); }
  void tell(const std::string& table, std::int64_t further_rows) {
    progress_.table = table;
    progress_.rows += further_rows;
    if (!options_.on_progress(progress_)) throw Refusal("broken_off", "the move was broken off");
  }

  MoveEnd& source_;
  MoveEnd& target_;
  FileStore* source_files_;
  FileStore* target_files_;
  const MigrationOptions& options_;
  std::vector<Table> tables_;         ///< the source's, in the order of the copying
  std::vector<Table> target_tables_;  ///< the same in the target
  std::vector<Part> parts_;
  std::map<std::string, Sum> copied_;  ///< by the part's name
  std::int64_t rows_total_ = 0;
  MigrationProgress progress_;
  MigrationReport report_;
};

}  // namespace

void sort_by_reference(std::vector<Table>& tables) {
  const auto place = [](const Table& table) {
    return std::find(std::begin(kFirstTables), std::end(kFirstTables), table.name);
  };
  std::stable_sort(tables.begin(), tables.end(),
                   [&](const Table& one, const Table& other) { return place(one) < place(other); });
}

MigrationReport copy_store(const MovedStore& source, const MovedStore& target, const MigrationOptions& options) {
  return StoreCopy(source, target, options).run();
}

}  // namespace trapline::collector::sql
