#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "collector/storage/postgres/connection.h"
#include "collector/storage/postgres/news.h"
#include "collector/storage/sql/sql_store.h"

namespace trapline::collector::postgres {

/// The store on a PostgreSQL server. Several collectors may share one: of all that write one is at work at a time.
class PostgresStore final : public sql::SqlStore {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& url, sql::StoreParts parts);

  Status claim(std::string_view node) override;
  void listen(OthersListener listener) override;
  void stop_listening() override { listener_.reset(); }
  Status tell_use(std::span<const QuotaUse> used) override;

 private:
  PostgresStore(std::string url, sql::StoreParts parts) : SqlStore(std::move(parts)), url_(std::move(url)) {}

  std::unique_ptr<sql::Connection> connect_reader() override;
  std::shared_ptr<void> lock_erasures() override;
  std::unique_ptr<sql::Connection> connect_writer() override;
  std::int64_t measure_bytes(sql::Connection& reader) override;
  [[nodiscard]] bool has_fellows() const override { return true; }
  bool may_retain(sql::Connection& writer) override;
  std::unique_ptr<Connection> connect();
  void tell_others(sql::Connection& connection, const OthersNews& news) override;

  std::string url_;
  std::mutex mutex_;
  std::string error_;  ///< of the last try to connect; guarded by mutex_, as the next two
  std::chrono::steady_clock::time_point next_try_{};
  std::chrono::milliseconds pause_{0};
  std::unique_ptr<NewsListener> listener_;
};

}  // namespace trapline::collector::postgres
