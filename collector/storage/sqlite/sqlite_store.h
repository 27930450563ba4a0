#pragma once

#include <memory>
#include <string>

#include "collector/storage/file_lock.h"
#include "collector/storage/sql/sql_store.h"
#include "collector/storage/sqlite/event_days.h"

namespace trapline::collector::sqlite {

/// A connection that writes, to a file that is made, or whose schema is brought to the newest version. What a kill has
/// left half committed is taken back.
std::unique_ptr<sql::Connection> open_newest(const std::string& path, std::shared_ptr<DayPool> pool = nullptr);

/// The store in a SQLite file, with its events in one for each day (event_days.h). Write-ahead logs let readers go on
/// while the writer writes.
class SqliteStore final : public sql::SqlStore {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& path, sql::StoreParts parts);

  Status claim(std::string_view node) override;
  void listen(OthersListener /*listener*/) override {}
  void stop_listening() override {}
  Status tell_use(std::span<const QuotaUse> /*used*/) override { return {}; }
  std::vector<std::string> troubles() override { return pool_->troubles(); }

 private:
  SqliteStore(const std::string& path, sql::StoreParts parts)
      : SqlStore(std::move(parts)), path_(path), pool_(std::make_shared<DayPool>(day_folder(path))) {}

  std::unique_ptr<sql::Connection> connect_reader() override;
  std::shared_ptr<void> lock_erasures() override;
  std::unique_ptr<sql::Connection> connect_writer() override;
  std::int64_t measure_bytes(sql::Connection& reader) override;

  std::string path_;
  std::shared_ptr<DayPool> pool_;
  std::unique_ptr<FileLock> claim_;
};

}  // namespace trapline::collector::sqlite
