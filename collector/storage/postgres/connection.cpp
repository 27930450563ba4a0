#include "collector/storage/postgres/connection.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <poll.h>

#include "collector/storage/postgres/clean_text.h"
#include "collector/storage/postgres/statement_text.h"
#include "collector/storage/postgres/text_index.h"
#include "sdk/core/ascii.h"

namespace trapline::collector::postgres {
namespace {

using sql::DatabaseError;

// pg_type's numbers of the types that are sent and read; they are the same in every database.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
constexpr Oid kNumeric = 1700;

constexpr std::string_view kStatementTimeout = "60s";  // as below
constexpr std::string_view kQueryCancelled = "57014";
constexpr int kOldestServer = 140'000;
constexpr int kBinary = 1;
/// What the server answers to so many fits into the sockets' buffers: nobody waits for the other.
constexpr std::size_t kMostWaiting = 200;
/// Longer than the server lets anything take: one that is frozen, or behind a network that is gone, holds nobody up for
/// ever.
constexpr std::chrono::seconds kAnswerPatience{75};
/// What goes through all rows of a large table takes as long as it takes.
constexpr std::chrono::hours kLongWork{24};

// A writer that does not answer any more must not hold the others up for ever. No question here is worth compiling.
// A machine that has vanished must not keep its locks for hours. What writing looks up must be what is there when it
// begins, whatever the database is set to. What a search leaves out is looked up in memory (search_clause.cpp).
constexpr const char* kSettings =
    "SET statement_timeout = '60s'; SET lock_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'; "
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET default_transaction_isolation = 'read committed'; "
    "SET synchronous_commit = on; SET work_mem = '64MB'; SET jit = off; SET client_min_messages = warning; "
    // A page of issues is put together in milliseconds: starting a second process for it takes longer. And disks of
    // today read a page here and there nearly as fast as one behind the other.
    "SET max_parallel_workers_per_gather = 0; SET random_page_cost = 1.1";
/// Of all that writes one is at work at a time, as in a file: 0x74726170 is a name among the database's locks.
constexpr const char* kBegin = "BEGIN; SELECT pg_advisory_xact_lock(1953653104)";

std::string trimmed(const char* message) { return std::string(core::trim(message, " \t\r\n")); }

std::uint64_t read_big_endian(const char* bytes, int count) {
  std::uint64_t value = 0;
  for (int index = 0; index < count; ++index) value = value << 8U | static_cast<unsigned char>(bytes[index]);
  return value;
}

std::array<char, 8> big_endian(std::int64_t value) {
  std::array<char, 8> bytes{};
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    bytes[index] = static_cast<char>(static_cast<std::uint64_t>(value) >> (56U - 8U * index));
  }
  return bytes;
}

/// A whole number as sums of BIGINT are sent: digits of base 10,000 behind their count, the first one's weight, and the
/// sign (numeric_send() in the server's numeric.c tells the format).
std::int64_t read_numeric(const char* bytes) {
  constexpr std::uint64_t kNegative = 0x4000;
  const std::uint64_t digits = read_big_endian(bytes, 2);
  const auto weight = static_cast<std::int16_t>(read_big_endian(bytes + 2, 2));
  const bool is_negative = read_big_endian(bytes + 4, 2) == kNegative;
  std::int64_t value = 0;
  const char* next = bytes + 8;
  for (int place = 0; place <= weight; ++place) {
    value *= 10'000;
    if (static_cast<std::uint64_t>(place) >= digits) continue;  // zeros at the end are not sent
    value += static_cast<std::int64_t>(read_big_endian(next, 2));
    next += 2;
  }
  return is_negative ? -value : value;
}

class PostgresStatement final : public sql::PreparedStatement {
 public:
  PostgresStatement(Connection& connection, std::string_view sql) : connection_(connection), sql_(to_postgres(sql)) {}

  void bind_integer(int parameter, std::int64_t value) override {
    const auto bytes = big_endian(value);
    slot(parameter) = {kInt8, std::string(bytes.data(), bytes.size()), {}, true, false};
  }
  void bind_text(int parameter, std::string_view text) override {
    if (is_clean(text)) {
      slot(parameter) = {kText, {}, text, false, false};
    } else {
      slot(parameter) = {kText, clean_text(text), {}, true, false};
    }
  }
  void bind_blob(int parameter, std::string_view bytes) override {
    slot(parameter) = {kBytea, {}, bytes, false, false};
  }
  void bind_null(int parameter) override { slot(parameter) = {0, {}, {}, false, true}; }

  bool step() override {
    if (!rows_) {
      send();
      rows_ = connection_.receive();
      row_ = -1;
    }
    return ++row_ < PQntuples(rows_.get());
  }
  void run() override {
    if (rows_) return;  // the rest of the rows is here already
    send();
    connection_.receive_later();
  }
  void reset() override {
    rows_.reset();
    slots_.clear();
  }

  [[nodiscard]] std::int64_t integer(int column) const override {
    if (is_null(column)) return 0;
    const char* bytes = PQgetvalue(rows_.get(), row_, column);
    if (PQftype(rows_.get(), column) == kNumeric) return read_numeric(bytes);
    const int length = PQgetlength(rows_.get(), row_, column);
    const std::uint64_t value = read_big_endian(bytes, length);
    // What is shorter keeps its sign.
    if (length == 4) return static_cast<std::int32_t>(value);
    if (length == 2) return static_cast<std::int16_t>(value);
    return static_cast<std::int64_t>(value);
  }
  [[nodiscard]] bool is_null(int column) const override { return PQgetisnull(rows_.get(), row_, column) != 0; }
  [[nodiscard]] std::string_view text(int column) const override {
    return {PQgetvalue(rows_.get(), row_, column), static_cast<std::size_t>(PQgetlength(rows_.get(), row_, column))};
  }

 private:
  struct Slot {
    Oid type = 0;
    std::string owned;
    std::string_view borrowed;
    bool is_owned = false;
    bool is_null = true;
  };

  Slot& slot(int parameter) {
    const auto index = static_cast<std::size_t>(parameter);
    if (slots_.size() <= index) slots_.resize(index + 1);
    return slots_[index];
  }

  /// A statement is prepared once for each combination of its parameters' types: mostly there is one.
  void send() {
    const std::size_t count = slots_.size();
    types_.resize(count);
    values_.resize(count);
    lengths_.resize(count);
    formats_.assign(count, kBinary);
    for (std::size_t index = 0; index < count; ++index) {
      const Slot& slot = slots_[index];
      const std::string_view bytes = slot.is_owned ? std::string_view(slot.owned) : slot.borrowed;
      types_[index] = slot.type;
      // A null pointer would be NULL instead of what is empty.
      values_[index] = slot.is_null ? nullptr : bytes.data() != nullptr ? bytes.data() : "";
      lengths_[index] = static_cast<int>(bytes.size());
    }
    const Parameters parameters{types_.data(), values_.data(), lengths_.data(), formats_.data(),
                                static_cast<int>(count)};
    auto prepared = names_.find(types_);
    if (prepared == names_.end() || !connection_.is_prepared(prepared->second)) {
      prepared = names_.insert_or_assign(types_, connection_.send_prepare(sql_, parameters)).first;
    }
    connection_.send(prepared->second, parameters);
  }

  Connection& connection_;
  std::string sql_;
  std::map<std::vector<Oid>, std::uint64_t> names_;  ///< in the server, by the parameters' types
  std::vector<Slot> slots_;
  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  ResultPtr rows_;
  int row_ = -1;
};

std::string name_of(std::uint64_t statement) { return "s" + std::to_string(statement); }

/// libpq's own words for what is wrong in a URL repeat a part of it, which may be the password.
void check_url(const std::string& url) {
  struct FreeOptions {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  };
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), nullptr));
  if (options != nullptr) return;
  throw DatabaseError(DatabaseError::Cause::kDatabase,
                      "the database's URL cannot be read: write postgres://USER:PASSWORD@HOST:PORT/NAME, and %25, %40, "
                      "%3A, %2F for %, @, : and / in the password");
}

bool is_error(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_PIPELINE_ABORTED;
}

}  // namespace

Connection::Connection(const std::string& url)
    : text_index_(std::make_unique<TextIndex>(*this)), patience_(kAnswerPatience) {
  check_url(url);
  // What stands before "dbname" is a default, what stands behind it is not to be chosen.
  constexpr std::pair<const char*, const char*> kParameters[] = {
      {"connect_timeout", "5"},   {"tcp_user_timeout", "30000"},
      {"keepalives_idle", "15"},  {"keepalives_interval", "5"},
      {"keepalives_count", "3"},  {"target_session_attrs", "read-write"},
      {"dbname", nullptr},        {"application_name", "trapline-collector"},
      {"client_encoding", "UTF8"}};
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : kParameters) {
    keywords.push_back(keyword);
    values.push_back(value != nullptr ? value : url.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
  if (connection_ == nullptr) throw std::bad_alloc();
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw DatabaseError(DatabaseError::Cause::kDatabase,
                        "cannot connect to PostgreSQL: " + trimmed(PQerrorMessage(connection_.get())));
  }
  check_server();
  execute(kSettings);
}

Connection::~Connection() { forget_statements(); }

sql::TextIndex& Connection::text_index() { return *text_index_; }

void Connection::apply_deadline() {
  const auto end = deadline();
  if (!end) {
    execute("SET statement_timeout = '" + std::string(kStatementTimeout) + "'");
    return;
  }
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*end - std::chrono::steady_clock::now()).count();
  execute("SET statement_timeout = " + std::to_string(left > 0 ? left + 1 : 1));
}

void Connection::check_server() {
  const int version = PQserverVersion(connection_.get());
  if (version < kOldestServer) {
    throw DatabaseError(DatabaseError::Cause::kDatabase,
                        "the server is PostgreSQL " + std::to_string(version / 10'000) + ": 14 or newer is needed");
  }
  const char* encoding = PQparameterStatus(connection_.get(), "server_encoding");
  if (encoding == nullptr || std::string_view(encoding) != "UTF8") {
    throw DatabaseError(DatabaseError::Cause::kDatabase,
                        std::string("the database's encoding is ") + (encoding != nullptr ? encoding : "unknown") +
                            ": make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0");
  }
}

void Connection::fail(const PGresult* result) {
  const char* state = result != nullptr ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const std::string_view kind = state != nullptr ? std::string_view(state).substr(0, 2) : std::string_view();
  // "Data exception", "integrity constraint violation", "program limit exceeded".
  const bool is_row = kind == "22" || kind == "23" || kind == "54";
  auto cause = is_row ? DatabaseError::Cause::kRow : DatabaseError::Cause::kDatabase;
  if (deadline() && state != nullptr && std::string_view(state) == kQueryCancelled) {
    cause = DatabaseError::Cause::kDeadline;
  }
  const char* told = result != nullptr ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  throw DatabaseError(cause, told != nullptr ? std::string(told) : trimmed(PQerrorMessage(connection_.get())));
}

void Connection::enter_pipeline() {
  if (PQpipelineStatus(connection_.get()) == PQ_PIPELINE_OFF && PQenterPipelineMode(connection_.get()) == 0) {
    fail(nullptr);
  }
}

void Connection::leave_pipeline() {
  if (PQpipelineStatus(connection_.get()) != PQ_PIPELINE_OFF) PQexitPipelineMode(connection_.get());
}

void Connection::execute(const std::string& sql) {
  try {
    receive();
  } catch (const DatabaseError&) {
    if (sql != "ROLLBACK") throw;  // else it is undone, whatever it was
  }
  leave_pipeline();
  if (is_frozen_ || PQsendQuery(connection_.get(), sql.c_str()) == 0) fail(nullptr);
  ResultPtr result;
  ResultPtr first_error;
  while (ResultPtr next = next_result()) {
    const bool is_first_error = first_error == nullptr && is_error(next.get());
    (is_first_error ? first_error : result) = std::move(next);
  }
  is_in_transaction_ = PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
  if (first_error != nullptr || result == nullptr) fail(first_error.get());
  // The server answers a COMMIT of what has failed with a rollback.
  if (sql == "COMMIT" && std::string_view(PQcmdStatus(result.get())) != "COMMIT") {
    throw DatabaseError(DatabaseError::Cause::kDatabase, "the transaction was rolled back");
  }
}

void Connection::begin() {
  try {
    execute(kBegin);
  } catch (const DatabaseError&) {
    // The transaction is there, and has failed: others have held the lock for too long.
    if (PQtransactionStatus(connection_.get()) == PQTRANS_INERROR) execute("ROLLBACK");
    throw;
  }
}

void Connection::take_time() {
  patience_ = kLongWork;
  execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0");
}

ResultPtr Connection::next_result() {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  while (PQisBusy(connection_.get()) != 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
    if (left.count() <= 0 || poll(&socket, 1, static_cast<int>(left.count())) == 0) {
      is_frozen_ = true;
      waiting_ = 0;
      throw DatabaseError(DatabaseError::Cause::kDatabase, "PostgreSQL does not answer");
    }
    if (PQconsumeInput(connection_.get()) == 0) break;  // what is wrong the result tells
  }
  return ResultPtr(PQgetResult(connection_.get()));
}

std::int64_t Connection::changes() {
  receive();
  return changes_;
}

std::size_t Connection::schema_version() {
  {
    sql::Statement table = prepare("SELECT to_regclass('schema_version') IS NOT NULL");
    table.step();
    if (table.integer(0) == 0) return 0;
  }
  sql::Statement version = prepare("SELECT number FROM schema_version");
  return version.step() ? static_cast<std::size_t>(version.integer(0)) : 0;
}

void Connection::set_schema_version(std::size_t version) {
  execute(
      "CREATE TABLE IF NOT EXISTS schema_version (id BIGINT PRIMARY KEY CHECK (id = 1), number BIGINT NOT NULL); "
      "INSERT INTO schema_version (id, number) VALUES (1, " +
      std::to_string(version) + ") ON CONFLICT (id) DO UPDATE SET number = excluded.number");
}

void Connection::make_event_day(std::int64_t day) { prepare("SELECT make_event_day(?)").bind(day).run(); }

/// It waits for who reads the table, and keeps others waiting meanwhile: not for long.
void Connection::remove_event_day(std::int64_t day) {
  execute("SET lock_timeout = '2s'; DROP TABLE IF EXISTS event_" + std::to_string(day) + "; SET lock_timeout = '60s'");
}

/// Written anew: deleted rows alone leave room for other rows, and none for the disk.
bool Connection::compact_event_day(std::int64_t day) {
  const auto patience = std::exchange(patience_, kLongWork);
  execute("SET lock_timeout = '2s'; SET statement_timeout = 0");
  const auto as_before = [&] {
    patience_ = patience;
    execute("SET lock_timeout = '60s'; SET statement_timeout = '" + std::string(kStatementTimeout) + "'");
  };
  try {
    execute("VACUUM FULL event_" + std::to_string(day));
  } catch (const DatabaseError&) {
    as_before();
    throw;
  }
  as_before();
  return false;
}

bool Connection::is_lost() {
  if (is_frozen_ || PQstatus(connection_.get()) != CONNECTION_OK) return true;
  // Nobody is at work with it.
  if (waiting_ == 0 && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) return true;
  // Nothing is asked, so nothing comes but the news that the server goes.
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  return waiting_ == 0 && poll(&socket, 1, 0) != 0;
}

std::vector<std::string> Connection::wait_for_notifications(int wake) {
  struct FreeNotify {
    void operator()(PGnotify* notify) const { PQfreemem(notify); }
  };
  leave_pipeline();
  pollfd sockets[] = {{PQsocket(connection_.get()), POLLIN, 0}, {wake, POLLIN, 0}};
  poll(sockets, std::size(sockets), -1);
  if (sockets[0].revents == 0) return {};
  if (PQconsumeInput(connection_.get()) == 0) fail(nullptr);
  std::vector<std::string> texts;
  while (const std::unique_ptr<PGnotify, FreeNotify> notify{PQnotifies(connection_.get())}) {
    texts.emplace_back(notify->extra);
  }
  if (PQstatus(connection_.get()) != CONNECTION_OK) fail(nullptr);
  return texts;
}

std::uint64_t Connection::send_prepare(const std::string& sql, const Parameters& parameters) {
  enter_pipeline();
  const std::uint64_t id = ++prepared_;
  if (PQsendPrepare(connection_.get(), name_of(id).c_str(), sql.c_str(), parameters.count, parameters.types) == 0) {
    fail(nullptr);
  }
  ++waiting_;
  being_prepared_.push_back(id);
  return id;
}

void Connection::send(std::uint64_t prepared, const Parameters& parameters) {
  enter_pipeline();
  if (PQsendQueryPrepared(connection_.get(), name_of(prepared).c_str(), parameters.count, parameters.values,
                          parameters.lengths, parameters.formats, kBinary) == 0) {
    fail(nullptr);
  }
  ++waiting_;
}

ResultPtr Connection::receive() {
  if (waiting_ == 0) return nullptr;
  const bool is_asked = PQpipelineSync(connection_.get()) != 0;
  ResultPtr last;
  ResultPtr first_error;
  for (; is_asked && waiting_ > 0; --waiting_) {
    ResultPtr result = next_result();
    if (result == nullptr) break;
    const ResultPtr end = next_result();  // a null pointer, after each
    const bool is_first_error = first_error == nullptr && is_error(result.get());
    (is_first_error ? first_error : last) = std::move(result);
  }
  const bool is_whole = is_asked && waiting_ == 0;
  waiting_ = 0;
  if (is_whole) {
    const ResultPtr sync = next_result();
    if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) fail(sync.get());
  }
  const auto prepared = std::exchange(being_prepared_, {});
  if (first_error != nullptr) {
    failed_.insert(prepared.begin(), prepared.end());
    fail(first_error.get());
  }
  if (!is_whole || last == nullptr) fail(nullptr);
  changes_ = std::atoll(PQcmdTuples(last.get()));
  return last;
}

void Connection::receive_later() {
  if (!is_in_transaction_ || waiting_ >= kMostWaiting) receive();
}

std::unique_ptr<sql::PreparedStatement> Connection::make_statement(std::string_view sql) {
  return std::make_unique<PostgresStatement>(*this, sql);
}

}  // namespace trapline::collector::postgres
