#pragma once

/// A thin owner of libpq's handles.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <libpq-fe.h>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::postgres {

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, FreeResult>;

/// Parameters of one run of a statement, as libpq takes them. They point into what was bound.
struct Parameters {
  const Oid* types;
  const char* const* values;
  const int* lengths;
  const int* formats;
  int count;
};

class TextIndex;

/// One connection to a PostgreSQL server, 14 or newer, whose database is in UTF-8. Within a transaction statements
/// without rows are sent one after the other and not waited for (libpq's pipeline mode); what comes of them is told by
/// the next one that is: one with rows, changes(), the commit. Not thread-safe.
class Connection final : public sql::Connection {
 public:
  /// `url`: postgres://USER:PASSWORD@HOST:PORT/NAME, with libpq's parameters. Throws DatabaseError.
  explicit Connection(const std::string& url);
  ~Connection() override;

  void execute(const std::string& sql) override;
  std::int64_t changes() override;
  void begin() override;
  std::size_t schema_version() override;
  void set_schema_version(std::size_t version) override;
  void make_event_day(std::int64_t day) override;
  void remove_event_day(std::int64_t day) override;
  bool compact_event_day(std::int64_t day) override;
  [[nodiscard]] bool is_remote() const override { return true; }
  bool is_lost() override;
  sql::TextIndex& text_index() override;

  /// For work that may take hours: neither the server nor this side ends it.
  void take_time();

  /// Waits until the server notifies of what was LISTENed to, or `wake` can be read. Throws when the connection breaks.
  std::vector<std::string> wait_for_notifications(int wake);

  /// For its statements: sends one to be prepared, or to be run, behind those that are on their way.
  std::uint64_t send_prepare(const std::string& sql, const Parameters& parameters);
  void send(std::uint64_t prepared, const Parameters& parameters);
  /// Whether the statement is prepared, or on its way and nothing has failed yet.
  [[nodiscard]] bool is_prepared(std::uint64_t id) const { return !failed_.contains(id); }
  /// Waits for all that was sent. Answers the last one's rows; throws the first error.
  ResultPtr receive();
  /// As receive(), later: at once outside of a transaction.
  void receive_later();

 protected:
  std::unique_ptr<sql::PreparedStatement> make_statement(std::string_view sql) override;
  void apply_deadline() override;

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };

  void check_server();
  void enter_pipeline();
  void leave_pipeline();
  [[noreturn]] void fail(const PGresult* result);
  /// The next result of what was sent; nullptr behind the last. Throws when the server does not answer.
  ResultPtr next_result();

  std::unique_ptr<PGconn, Finish> connection_;
  std::unique_ptr<TextIndex> text_index_;
  std::uint64_t prepared_ = 0;                 ///< how many statements were, which gives their names
  std::vector<std::uint64_t> being_prepared_;  ///< since the last answer
  std::unordered_set<std::uint64_t> failed_;   ///< sent in vain, behind something that failed
  std::size_t waiting_ = 0;                    ///< statements that were sent and whose results were not read
  bool is_in_transaction_ = false;
  bool is_frozen_ = false;  ///< has not answered: never asked again
  std::chrono::seconds patience_;
  std::int64_t changes_ = 0;
};

}  // namespace trapline::collector::postgres
