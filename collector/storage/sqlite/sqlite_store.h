#pragma once

#include <memory>
#include <string>

#include "collector/storage/file_lock.h"
#include "collector/storage/sql/sql_store.h"

namespace trapline::collector::sqlite {

/// A connection that writes, to a file that is made, or whose schema is brought to the newest version.
std::unique_ptr<sql::Connection> open_newest(const std::string& path);

/// The store in one SQLite file; its write-ahead log lets readers go on while the writer writes.
class SqliteStore final : public sql::SqlStore {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& path, sql::StoreParts parts);

  Status claim(std::string_view node) override;
  void listen(OthersListener /*listener*/) override {}
  void stop_listening() override {}
  Status tell_use(std::span<const QuotaUse> /*used*/) override { return {}; }

 private:
  SqliteStore(std::string path, sql::StoreParts parts) : SqlStore(std::move(parts)), path_(std::move(path)) {}

  std::unique_ptr<sql::Connection> connect_reader() override;
  std::unique_ptr<sql::Connection> connect_writer() override;

  std::string path_;
  std::unique_ptr<FileLock> claim_;
};

}  // namespace trapline::collector::sqlite
