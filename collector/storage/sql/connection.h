#pragma once

/// What the tables need of a database: statements with parameters, rows, transactions. An engine (sqlite/, postgres/)
/// implements PreparedStatement and Connection. Inside the rooms that use them failures are exceptions (DatabaseError);
/// the store turns them into Results.
///
/// The tables' SQL is what both engines understand: parameters are `?` or `?1`; INTEGER columns hold 64 bits and stand
/// for booleans, too; a conflict's target is always named, and so is the table of a column in DO UPDATE; `user` and
/// `release` are quoted; rows that an insert made tell their id by RETURNING; LIKE takes ASCII letters of either case
/// as equal; of functions both have min and max of two, iif and hex.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

namespace trapline::collector::sql {

/// What a database refused or could not do.
class DatabaseError : public std::runtime_error {
 public:
  enum class Cause {
    kDatabase,  ///< the database or the way to it: it passes, or is mended
    kRow,       ///< what was to be stored: it would be refused again
    kDeadline,  ///< what was asked took longer than it may (Deadline)
  };
  DatabaseError(Cause cause, const std::string& message) : std::runtime_error(message), cause_(cause) {}
  [[nodiscard]] Cause cause() const { return cause_; }

 private:
  Cause cause_;
};

/// An engine's half of a statement. Parameters and columns count from 0. Text and bytes are borrowed until reset().
class PreparedStatement {
 public:
  PreparedStatement() = default;
  virtual ~PreparedStatement() = default;
  PreparedStatement(const PreparedStatement&) = delete;
  PreparedStatement& operator=(const PreparedStatement&) = delete;

  virtual void bind_integer(int parameter, std::int64_t value) = 0;
  virtual void bind_text(int parameter, std::string_view text) = 0;
  virtual void bind_blob(int parameter, std::string_view bytes) = 0;
  virtual void bind_null(int parameter) = 0;
  virtual bool step() = 0;
  /// Runs a statement without rows, or without any that somebody reads. An engine may answer before it has happened.
  virtual void run() {
    while (step()) {
    }
  }
  virtual void reset() = 0;

  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  [[nodiscard]] virtual std::string_view text(int column) const = 0;
};

/// A prepared statement on loan from its connection's cache; going out of scope resets it. One at a time per SQL text.
class Statement {
 public:
  explicit Statement(PreparedStatement& prepared) : prepared_(prepared) {}
  ~Statement() { prepared_.reset(); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Binds the values to the parameters in order. Text is borrowed until the statement's end.
  template <class... Values>
  Statement& bind(const Values&... values) {
    (bind_next(values), ...);
    return *this;
  }

  template <std::integral T>
  void bind_next(T value) {
    prepared_.bind_integer(bound_++, static_cast<std::int64_t>(value));
  }
  void bind_next(std::string_view text) { prepared_.bind_text(bound_++, text); }
  /// NULL where there is no value.
  template <class T>
  void bind_next(const std::optional<T>& value) {
    if (value) {
      bind_next(*value);
    } else {
      prepared_.bind_null(bound_++);
    }
  }
  void bind_blob(std::string_view bytes) { prepared_.bind_blob(bound_++, bytes); }

  /// Goes on to the next row; false at the end.
  bool step() { return prepared_.step(); }

  /// Runs a statement that has no rows to read.
  void run() { prepared_.run(); }

  /// Makes it ready to be bound and run again.
  void reset() {
    prepared_.reset();
    bound_ = 0;
  }

  [[nodiscard]] std::int64_t integer(int column) const { return prepared_.integer(column); }
  [[nodiscard]] bool is_null(int column) const { return prepared_.is_null(column); }
  /// Of a text or a blob. Borrowed until the next step().
  [[nodiscard]] std::string_view text(int column) const { return prepared_.text(column); }

 private:
  PreparedStatement& prepared_;
  int bound_ = 0;
};

class TextIndex;

/// For maps that are asked by a text without making a string of it.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// One connection to a database; what is committed is on disk. Not thread-safe.
class Connection {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Statement prepare(std::string_view sql);
  /// How many statements are kept for their next use.
  [[nodiscard]] std::size_t statements() const { return statements_.size(); }

  /// Runs one or more statements without parameters.
  virtual void execute(const std::string& sql) = 0;
  /// Rows that the last statement inserted, changed or deleted.
  virtual std::int64_t changes() = 0;
  /// Begins a transaction that writes. There is one at a time in the whole database: who comes next waits.
  virtual void begin() = 0;
  /// The number of migrations that the database has had (migrations.h).
  virtual std::size_t schema_version() = 0;
  virtual void set_schema_version(std::size_t version) = 0;
  /// Sees to it that events of the UTC day (counted from 1970-01-01) can be stored: they are parted by day of receipt.
  /// Within a transaction.
  virtual void make_event_day(std::int64_t /*day*/) {}
  /// Removes the partition of a day that is in no list any more (`event_day`). Not within a transaction.
  virtual void remove_event_day(std::int64_t day) = 0;
  /// Gives room of deleted events of the day back to the disk. False when there is none left to give. Not within a
  /// transaction.
  virtual bool compact_event_day(std::int64_t day) = 0;
  /// Whether each answer that is waited for costs a journey.
  [[nodiscard]] virtual bool is_remote() const { return false; }
  /// Whether it must be replaced by a new one: the other end has gone.
  virtual bool is_lost() { return false; }
  virtual TextIndex& text_index() = 0;

  /// Throws when the time of a Deadline has passed; between statements, as they throw themselves.
  void check_deadline() const;

 protected:
  virtual std::unique_ptr<PreparedStatement> make_statement(std::string_view sql) = 0;
  /// To be called by an engine before what its statements need is gone.
  void forget_statements() { statements_.clear(); }

  /// When what is asked is to be ended; nothing: never.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const { return deadline_; }
  /// Makes an engine's statements end there.
  virtual void apply_deadline() = 0;

 private:
  friend class Deadline;
  std::unordered_map<std::string, std::unique_ptr<PreparedStatement>, TextHash, std::equal_to<>> statements_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

/// As long as it lives, what its connection is asked ends after that time with an error (kDeadline); the connection can
/// be used on.
class Deadline {
 public:
  Deadline(Connection& connection, std::chrono::milliseconds time);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  Connection& connection_;
};

/// A write transaction; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Connection& connection_;
  bool is_open_ = true;
};

}  // namespace trapline::collector::sql
