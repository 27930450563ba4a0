#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// The number of the UTC day of a row of `event`, counted from 1970-01-01.
std::int64_t day_of_row(std::int64_t row_id);

/// Whether the code says that a file's bytes are not what was written.
bool is_damage(int code);

/// One connection to the file that has the events of one day. Not thread-safe.
///
/// Beside the events it knows which rows the transaction changed that wrote it last, and that one's number: so what was
/// committed here, but not in the store's own database, can be taken back (event_days.h).
class DayFile {
 public:
  enum class Use {
    kRead,   ///< the file must be there
    kWrite,  ///< it is made when it is not
  };
  DayFile(const std::string& path, Use use);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;

 public:
  /// A statement of the file on loan; nobody else has it meanwhile.
  class Loan {
   public:
    Loan() = default;
    Loan(DayFile& file, std::string_view sql);
    ~Loan();
    Loan(Loan&& other) noexcept { *this = std::move(other); }
    Loan& operator=(Loan&& other) noexcept;
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    explicit operator bool() const { return statement_ != nullptr; }
    [[nodiscard]] sqlite3_stmt* get() const { return statement_; }
    /// Throws SqliteError.
    bool step();
    void run();
    [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }

   private:
    DayFile* file_ = nullptr;
    std::vector<StatementPtr>* idle_ = nullptr;  ///< where it goes back to
    sqlite3_stmt* statement_ = nullptr;
  };

  Loan take(std::string_view sql) { return {*this, sql}; }
  void execute(const std::string& sql) { connection_.execute(sql); }
  [[noreturn]] void fail(int code) const;
  [[nodiscard]] sqlite3* handle() const { return connection_.handle(); }

  /// The number of the transaction that wrote it last.
  std::int64_t batch_number();
  /// False for one that was emptied, or that a kill has left before it had any.
  [[nodiscard]] bool has_tables() { return connection_.schema_version() != 0; }

 private:
  StatementPtr prepare(std::string_view sql);

  Connection connection_;
  std::unordered_map<std::string, std::vector<StatementPtr>, sql::TextHash, std::equal_to<>> idle_;
};

}  // namespace trapline::collector::sqlite
